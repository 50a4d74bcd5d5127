// A JVM in each slot, made in start_slot(): its threads and its signal handlers are part of the slot from the start,
// and the compiler threads that it adds later are kept.
#include <jni.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include <flame/plugin.hpp>

#include "plugins/threads/threads.hpp"

namespace threads_jvm {
namespace {

JavaVM* machine = nullptr;
JNIEnv* java = nullptr;  // of the slot's thread, in which start_slot() and the calls run

void start_slot() {
  JavaVMOption options[] = {{const_cast<char*>("-Xmx64m"), nullptr}, {const_cast<char*>("-Xss512k"), nullptr}};
  JavaVMInitArgs arguments{JNI_VERSION_1_8, 2, options, JNI_FALSE};
  if (::JNI_CreateJavaVM(&machine, reinterpret_cast<void**>(&java), &arguments) != JNI_OK)
    throw std::runtime_error("the JVM does not start");
}

jclass class_named(const char* name) {
  const jclass found = java->FindClass(name);
  if (found == nullptr) throw std::runtime_error("no such class");
  return found;
}

}  // namespace

threads::Report sort(std::int32_t n) {
  return threads::measured([n] {
    const jintArray numbers = java->NewIntArray(n);
    if (numbers == nullptr) throw std::runtime_error("no memory in the JVM");
    std::vector<jint> values(static_cast<std::size_t>(n));
    for (std::int32_t i = 0; i < n; ++i) values[static_cast<std::size_t>(i)] = n - i;
    java->SetIntArrayRegion(numbers, 0, n, values.data());
    const jclass arrays = class_named("java/util/Arrays");
    java->CallStaticVoidMethod(arrays, java->GetStaticMethodID(arrays, "parallelSort", "([I)V"), numbers);
    jint first = 0;
    java->GetIntArrayRegion(numbers, 0, 1, &first);
    java->DeleteLocalRef(numbers);
    java->DeleteLocalRef(arrays);
    return static_cast<double>(first);
  });
}

threads::Report catch_null(std::int32_t times) {
  return threads::measured([times] {
    const jclass objects = class_named("java/lang/String");
    const jmethodID join = java->GetStaticMethodID(
        objects, "join", "(Ljava/lang/CharSequence;[Ljava/lang/CharSequence;)Ljava/lang/String;");
    bool caught = true;
    for (std::int32_t i = 0; i < times; ++i) {
      java->CallStaticObjectMethod(objects, join, nullptr, nullptr);
      caught = caught && java->ExceptionCheck() == JNI_TRUE;
      java->ExceptionClear();
    }
    java->DeleteLocalRef(objects);
    return caught ? 1.0 : 0.0;
  });
}

}  // namespace threads_jvm

FLAME_PLUGIN("threads_jvm", "1.0.0", p) {
  p.start_slot<threads_jvm::start_slot>();
  p.task<threads_jvm::sort>();
  p.task<threads_jvm::catch_null>();
}
