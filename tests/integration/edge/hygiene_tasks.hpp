// Contract of "edge_hygiene": tasks that change their process, and tasks that look at it.
#pragma once

#include <cstdint>
#include <string>

#include <flame/contract.hpp>

namespace hygiene {

std::int64_t process_id();

void round_upwards();
double one_third();

void set_variable(std::string name, std::string value);
std::string variable(std::string name);
/// Of a buffer that start_slot() gave to putenv().
void overwrite_variable_in_place(std::string value);
void set_variable_for_a_moment();
void lose_a_variable();  // putenv() of memory that is unmapped

void use_locale(std::string name);
std::string locale_name();
/// By uselocale(), of a locale that start_slot() made: no system call.
void use_locale_of_thread();
bool has_global_locale();
void imbue_standard_output();
bool standard_output_is_classic();
void print_hexadecimal();
std::string printed_number();

void ignore_signal(std::int32_t signal);
/// In the place of the handler that is there: its process ends with exit code 3.
void exit_at_signal(std::int32_t signal);
void crash();
std::int32_t status_of_command(std::string command);
void lower_open_files(std::uint32_t limit);
std::uint32_t open_files_limit();
void use_one_cpu();
std::uint32_t cpus();
void be_nice();
std::int32_t niceness();
void block_and_raise();

/// Microseconds between two signals of the profiler that start_slot() started; 0: it is off.
std::int64_t profiler_interval();

/// Microseconds; -1: this kernel does not tell.
std::int64_t timer_slack();
std::int64_t io_priority();
void be_late_and_idle();
/// False: it may not.
bool change_root(std::string path);
std::uint64_t root_inode();

void close_descriptor(std::int32_t fd);
/// By fclose(); what is opened next gets its number, and stays.
void close_standard_output();
std::int32_t lowest_free_descriptor();
/// Prints what it is given to where it redirects standard output: by dup2(), or by freopen().
void redirect_output(std::string path, std::string text, bool reopen);

/// What runs in place of the C++ library's own behaviour, cancellation, std::cin.
void set_handlers();
/// What of that is not as start_slot() found it.
std::string set_handlers_found();
void lend_standard_output_a_buffer();
bool standard_output_uses_that_buffer();

/// Leaves a thread that sleeps in fgets() on a pipe.
void leave_reader();
void print_line(std::string text);
/// By std::cout, without a newline, after sync_with_stdio(false).
void print_unsynchronized(std::string text);
void print_by_cout(std::string text);

void keep_memory(std::uint64_t bytes);
/// The memory that a call may still get, at most `bytes`, in blocks of 1 MiB.
std::uint64_t use_memory(std::uint64_t bytes);
void use_all_memory();
/// Until release_memory(), which finds it only in the same process.
bool hold_memory(std::uint64_t bytes);
bool memory_is_held();
void release_memory();
void keep_files(std::uint32_t count);
bool opens_a_file();
void leave_child();

}  // namespace hygiene
