"""Enough of C++'s lexical rules to count functions and to look at code without its comments and strings."""
import re

_TOKENS = re.compile(
    r'//[^\n]*'                                       # line comment
    r'|/\*.*?\*/'                                     # block comment
    r'|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'    # raw string
    r'|"(?:[^"\\\n]|\\.)*"'                           # string
    r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'",          # character, not a digit separator
    re.DOTALL)
_DIRECTIVE = re.compile(r"^\s*#.*$", re.MULTILINE)
_NO_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def without_comments_and_strings(text):
    """Blanks them out; lines and columns stay. Include lines keep their quotes' content out of the way too."""
    def blank(match):
        token = match.group(0)
        kept = re.sub(r"[^\n]", " ", token)
        return '"' + kept[1:-1] + '"' if token[0] == '"' and len(token) > 1 else kept
    return _TOKENS.sub(blank, text)


def _opens_function(head):
    """Whether the text between the last ; { or } and a { ends like a function's header."""
    head = _DIRECTIVE.sub("", head).strip()
    if ")" not in head or _NO_FUNCTION.search(head.split("(")[0]):
        return False
    return not head.endswith("=")


def function_lengths(code):
    """(first line, lines) of each outermost block that looks like a function, by matching braces."""
    result = []
    stack = []  # (is function, line of its head)
    head_start = 0
    line = 1
    inside = 0
    for position, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "{":
            is_function = inside == 0 and _opens_function(code[head_start:position])
            head_lines = code[head_start:position].lstrip().count("\n")
            stack.append((is_function, line - head_lines))
            inside += is_function
            head_start = position + 1
        elif char == "}":
            if stack:
                is_function, first = stack.pop()
                inside -= is_function
                if is_function:
                    result.append((first, line - first + 1))
            head_start = position + 1
        elif char == ";":
            head_start = position + 1
    return result
