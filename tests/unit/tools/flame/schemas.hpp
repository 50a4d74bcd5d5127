// Schemas as plugins' manifests hold them, for the tests of the JSON conversion.
#pragma once

namespace flame::cli {

inline constexpr const char* kManyTypes = R"(attribute "flame_unit";
attribute "flame_attachment";
attribute "flame_tracked";
attribute "flame_variant";
attribute "flame_optional";

enum ns_Colour : ubyte { red = 1, green = 2 }

table ns_Point {
  x:int;
  y:double;
}

table Call_f0_shape (flame_variant) {
  f0:int = null;
  f1:ns_Point;
}

table Call_f0_tags {
  key:string (key);
  value:long;
}

table Call_f0_rows {
  v:[int];
}

table ns_Everything {
  name:string;
  small:byte;
  huge:ulong;
  flag:bool;
  ratio:float;
  colour:ns_Colour = red;
  wait:long (flame_unit: "1/1000s");
  maybe:int = null;
  note:string (flame_optional);
  point:ns_Point;
  points:[ns_Point];
  shape:Call_f0_shape;
  tags:[Call_f0_tags];
  rows:[Call_f0_rows];
  data:uint (flame_attachment);
}

table Call {
  f0:ns_Everything;
}

table Return {
  value:ns_Everything;
}

root_type Call;
)";

inline constexpr const char* kTwoArguments = R"(table Call_f1 {
  f0:int;
  f1:string;
}

table Call {
  f0:[int];
  f1:Call_f1;
}

table Return {
}

root_type Call;
)";

inline constexpr const char* kBytes = R"(attribute "flame_attachment";

table Call {
  f0:uint (flame_attachment);
  f1:[uint] (flame_attachment);
}

table Return {
  value:uint (flame_attachment);
}

root_type Call;
)";

}  // namespace flame::cli
