"""How large classes are: data members and functions of each body, and the sources that define their functions."""
import re

_HEAD = re.compile(r"(?<!enum )\b(class|struct)\s+([A-Za-z_]\w*)(?:\s+final)?\s*(?::(?!:)[^;{]*)?\{")
_MEMBER = re.compile(r"(?:^|[\s*&>])([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*(?:=.*|\{.*)?$", re.DOTALL)
_NOT_DATA = re.compile(r"^(?:using|friend|typedef|static_assert|template\b.*\b(?:class|struct)\s+\w+$|enum|class|"
                       r"struct|union|static\s+constexpr|constexpr)\b")
_LABEL = re.compile(r"^(?:\s*(?:public|protected|private)\s*:(?!:))+")
_DEFINITION = re.compile(r"^(?![ \t#/}])[^;={}]*?(?<![:\w])([A-Z]\w*)(?:<[^<>]*>)?::~?\w+\s*\(", re.MULTILINE)


def _body_end(code, start):
    depth = 0
    for at in range(start, len(code)):
        if code[at] == "{":
            depth += 1
        elif code[at] == "}":
            depth -= 1
            if depth == 0:
                return at
    return len(code)


def _statements(body):
    """The statements of a class body; what stands in inner braces is left out, but for the braces."""
    text, depth, parentheses = "", 0, 0
    for at, char in enumerate(body):
        if char == "{":
            depth += 1
            text += "{" if depth == 1 else ""
        elif char == "}":
            depth -= 1
            text += "}" if depth == 0 else ""
            if depth == 0 and parentheses == 0 and not re.match(r"\s*[;,{)]", body[at + 1:at + 40]):
                yield text
                text = ""
        elif depth > 0:
            continue
        elif char == ";" and parentheses == 0:
            yield text
            text = ""
        else:
            parentheses += {"(": 1, ")": -1}.get(char, 0)
            text += char


def _kind(statement):
    """"function", "data" or None."""
    text = _LABEL.sub("", statement).strip()
    text = re.sub(r"\[\[[^\]]*\]\]\s*", "", text)
    if not text or _NOT_DATA.match(text):
        return None
    plain = text
    while True:  # template arguments, in which there may be parentheses
        shorter = re.sub(r"<[^<>]*>", "", plain)
        if shorter == plain:
            break
        plain = shorter
    before_value = re.split(r"[={]", plain, maxsplit=1)[0]
    if "(" in before_value or "operator" in plain:
        return "function"
    return "data" if _MEMBER.search(plain) else None


def class_sizes(code):
    """(name, line, data members, functions) of each class in `code`, which has neither comments nor strings. A struct
    without functions is plain data and has none that count."""
    for head in _HEAD.finditer(code):
        start = head.end() - 1
        kinds = [_kind(statement) for statement in _statements(code[start + 1:_body_end(code, start)])]
        data, functions = kinds.count("data"), kinds.count("function")
        plain = head.group(1) == "struct" and functions == 0
        yield head.group(2), code.count("\n", 0, head.start()) + 1, 0 if plain else data, functions


def classes_defined(code):
    """The names of the classes whose functions are defined outside of their bodies in `code`."""
    return {found.group(1) for found in _DEFINITION.finditer(code)}


# Data members, functions, sources that define them (DESIGN.md 10): a larger class hides an object.
LIMITS = (15, 35, 2)
# What each has now, so that none of them grows, and what ends it.
LARGER = {
    "PoolPolicy": (29, 76, 4, "runners' life and leases of objects become classes of their own"),
    "PoolDriver": (14, 60, 3, "one function per event, command and action; its views go to trace/"),
    "Loop": (17, 31, 2, "perform() of commands goes to a table"),
    "Session": (19, 34, 1, "its transfers become an object"),
    "RunnerGenerations": (13, 36, 1, "the tallies of digests become an object"),
    "ControlServer": (18, 19, 1, "its clients become an object"),
    "BasicLoopLeader": (18, 17, 1, "one lock-free protocol: its words belong together"),
    "Terminator": (22, 35, 1, "drain and single use become objects"),
    "SlotTable": (13, 54, 3, "one owner of who is in which slot"),
    "SlotPool": (25, 84, 8, "processes, seats, held leases and the pipeline become objects"),
    "SlotHandle": (30, 53, 2, "post-mortem and pipeline become objects"),
    "CallState": (17, 35, 2, "what threads that a task left may still point to: one block"),
    "Calls": (19, 42, 3, "transfers go beside the session, as on the host"),
    "HostLink": (21, 26, 1, "dialling becomes an object"),
    "SlotLoop": (19, 31, 2, "one call's state becomes an object"),
    "MapRun": (21, 15, 1, "reading, ordering and writing become objects"),
    "JsonCodec": (15, 35, 3, "the two directions of one codec, and its schemas"),
    "Ledger": (20, 42, 1, "of the simulation"),
    "SimHost": (20, 40, 1, "the loop of a simulated host: its members are what it composes"),
    "RunnerModel": (24, 37, 1, "the supervisor's loop: its members are what it composes"),
    "SimSlot": (16, 38, 1, "what Slot has, and the other side of it"),
    "Worker": (17, 27, 1, "of the simulation: what runs in a slot"),
    "SessionTable": (16, 28, 1, "who is expected becomes an object"),
    "LeaderWorld": (19, 20, 1, "of the simulation"),
}
_WORDS = ("data members", "functions", ".cpp files")


def too_large(name, sizes):
    """Why a class of these (data members, functions, .cpp files) is too large; None if it is not."""
    allowed = tuple(map(max, LIMITS, LARGER.get(name, (0, 0, 0))[:3]))
    excess = [f"{size} {word}, at most {most}" for size, most, word in zip(sizes, allowed, _WORDS) if size > most]
    return f"{name} has " + " and ".join(excess) + ": it hides an object" if excess else None
