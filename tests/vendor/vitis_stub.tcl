# A stand-in for vitis_hls and vitis-run: runs scripts with the commands that it knows and plays back a recorded report.
#
# Strict: an unknown command or option, a missing file, or a step out of order ends it with status 1.
# From the environment: VITIS_STUB_REPORT (the recorded csynth.rpt), VITIS_STUB_FAULT as in
# `csynth_design:fail|hang|die|full`, VITIS_STUB_JOURNAL (a file that takes a line a step).  Samples are not simulated.

set state(project) {}
set state(top) {}
set state(sources) {}
set state(benches) {}
set state(solution) {}
set state(part) {}
set state(clock) {}
set state(done) {}

proc fail {message} { error "ERROR: \[HLS 200-1\] $message" }
proc options {command allowed words} {
    set found [dict create {} {}]
    while {[llength $words]} {
        set words [lassign $words word]
        if {[regexp {^-[a-z]} $word]} {
            if {![dict exists $allowed $word]} { fail "$command: unknown option '$word'" }
            if {[dict get $allowed $word]} {
                set words [lassign $words value]
                dict set found $word $value
            } else { dict set found $word 1 }
        } else { dict lappend found {} $word }
    }
    return $found
}
proc one {command given} {
    if {[llength [dict get $given {}]] != 1} { fail "$command: one argument, not [dict get $given {}]" }
    return [lindex [dict get $given {}] 0]
}
proc needs {command args} {
    foreach key $args { if {$::state($key) eq {}} { fail "$command: no $key" } }
}
proc step {command} {
    set channel [open $::env(VITIS_STUB_JOURNAL) a]; puts $channel $command; close $channel
    if {[info exists ::env(VITIS_STUB_FAULT)]} {
        lassign [split $::env(VITIS_STUB_FAULT) :] where what
        if {$where eq $command} {
            switch $what {
                fail { fail "Synthesizability check failed." }
                hang { after 600000 }
                die { exec kill -KILL [pid] }
                full { close [open $::state(project)/half w]; error {couldn't write: No space left on device} }
            }
        }
    }
    lappend ::state(done) $command
}

proc contents {path} { set channel [open $path]; set text [read $channel]; close $channel; return $text }

proc open_project {args} {
    set given [options open_project {-reset 0} $args]
    set ::state(project) [one open_project $given]
    if {[dict exists $given -reset]} { file delete -force $::state(project) }
    file mkdir $::state(project)
}
proc set_top {args} { needs set_top project; set ::state(top) [one set_top [options set_top {} $args]] }
proc add_files {args} {
    needs add_files project
    set given [options add_files {-tb 0 -cflags 1} $args]
    set path [one add_files $given]
    if {![file isfile $path]} { fail "Cannot find file '$path'" }
    lappend ::state([expr {[dict exists $given -tb] ? "benches" : "sources"}]) $path
}
proc open_solution {args} {
    needs open_solution project
    set given [options open_solution {-reset 0 -flow_target 1} $args]
    if {[dict exists $given -flow_target] && [dict get $given -flow_target] ni {vivado vitis}} { fail "flow_target" }
    set ::state(solution) [one open_solution $given]
}
proc set_part {args} {
    needs set_part solution
    set ::state(part) [one set_part [options set_part {} $args]]
    if {![regexp {^xc[a-z0-9]+-} $::state(part)]} { fail "Part '$::state(part)' is not installed." }
}
proc create_clock {args} {
    needs create_clock solution
    set period [dict get [options create_clock {-period 1 -name 1} $args] -period]
    if {![string is double -strict $period] || $period <= 0} { fail "create_clock: period '$period'" }
    set ::state(clock) $period
}
proc csim_design {args} {
    options csim_design {} $args
    needs csim_design solution sources benches part
    foreach path $::state(benches) { if {[regexp {\.cpp$} $path]} { set bench $path } }
    if {![info exists bench]} { fail "no main function" }
    set text [contents $bench]
    if {[regexp {argv\[1\] : "([^"]+)"} $text -> data] && $data ni $::state(benches)} { fail "cannot open $data" }
    foreach {-> header} [regexp -all -inline -line {^#include "([^"]+)"} $text] {
        if {![file isfile [file dirname $bench]/$header]} { fail "fatal error: '$header' file not found" }
    }
    step csim_design
}
proc csynth_design {args} {
    options csynth_design {} $args
    needs csynth_design top sources part clock
    set found 0
    foreach path $::state(sources) {
        if {[regexp "\\m$::state(top)\\s*\\(" [contents $path]]} { set found 1 }
    }
    if {!$found} { fail "Cannot find top function '$::state(top)'" }
    step csynth_design
    set folder $::state(project)/$::state(solution)/syn/report
    file mkdir $folder
    set text [contents $::env(VITIS_STUB_REPORT)]
    regexp {Synthesis Summary Report of '([^']+)'} $text -> recorded
    set own [string map [list "'$recorded'" "'$::state(top)'" "|+ $recorded  |" [format "|+ %-[expr {[string length $recorded] + 2}]s|" $::state(top)]] $text]
    set channel [open $folder/csynth.rpt w]; puts -nonewline $channel $own; close $channel
    file mkdir $folder/../verilog
    set channel [open $folder/../verilog/$::state(top).v w]
    puts $channel "module $::state(top) (\n        ap_clk,\n        ap_rst,\n        x,\n        ap_return\n);\n"
    puts $channel "input   ap_clk;\ninput   ap_rst;\ninput  \[15:0\] x;\noutput  \[15:0\] ap_return;\n\nendmodule"
    close $channel
    close [open $folder/../verilog/$::state(top)_table0_rom.dat w]
}
proc export_design {args} {
    set given [options export_design {-format 1 -rtl 1} $args]
    if {{csynth_design} ni $::state(done)} { fail "export_design before csynth_design" }
    if {[dict get $given -format] ni {ip_catalog syn_dcp}} { fail "format" }
    step export_design
}

if {$argv eq {-version}} {
    puts "****** Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2024.1 (64-bit)"
    exit 0
}
if {[llength $argv] == 4 && [lrange $argv 0 2] eq {--mode hls --tcl}} {
    set script [lindex $argv 3]
} elseif {[llength $argv] == 2 && [lindex $argv 0] eq {-f}} {
    set script [lindex $argv 1]
} else { puts stderr "ERROR: arguments $argv"; exit 1 }
if {[catch {source $script} message]} { puts stderr $message; exit 1 }
exit 0
