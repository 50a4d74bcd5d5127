// The version of this release of FLAME.
#pragma once

/// Version of the SDK that a plugin or host was compiled with; in the plugin's manifest. Equals project(VERSION).
#define FLAME_VERSION "0.1.0"
