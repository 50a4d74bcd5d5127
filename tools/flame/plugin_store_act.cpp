// See plugin_store_act.hpp.
#include "tools/flame/plugin_store_act.hpp"

#include <unistd.h>

#include "tools/flame/command.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {

int act_on_store(const PlaceChoice& choice, bool json, const std::vector<std::string>& subjects, const StoreAct& act) {
  const auto place = find_place(choice);
  if (!place) {
    print_error(place.error(), json);
    return kUsage;
  }
  store::SystemFiles system;
  store::Store store(place->store, system);
  const Terminal out(STDOUT_FILENO);
  int exit_code = kOk;
  for (const std::string& subject : subjects) {
    const auto answer = act(store, *place, subject);
    if (answer) {
      out.write(json ? json_line(success(answer->json)) : answer->text);
    } else {
      print_error(answer.error(), json);
      exit_code = kUsage;
    }
  }
  return exit_code;
}

}  // namespace flame::cli
