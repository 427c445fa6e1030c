# A stand-in for quartus_sh: runs scripts with the commands that it knows and plays back recorded reports.
#
# Strict: an unknown command, option or assignment, a missing file, or a step out of order ends it with status 3.
# From the environment: QUARTUS_STUB_REPORTS (folder of recorded reports), QUARTUS_STUB_EDITION (Pro or Standard),
# QUARTUS_STUB_FAULT as in `fit:fail|hang|die`, QUARTUS_STUB_JOURNAL (a file that takes a line a step).

set edition [expr {[info exists env(QUARTUS_STUB_EDITION)] ? $env(QUARTUS_STUB_EDITION) : "Pro"}]
set quartus(version) "Version 25.1.0 Build 129 03/26/2025 SC $edition Edition"
set project {}
set assignments {}
foreach name {project flow device} { package provide ::quartus::$name 1.0 }

proc fail {message} { error "Error (23035): Tcl error: $message" }
proc options {command allowed words} {
    set found [dict create {} {}]
    while {[llength $words]} {
        set words [lassign $words word]
        if {[regexp {^-[a-z]} $word]} {
            if {![dict exists $allowed $word]} { fail "$command: Illegal option $word" }
            if {[dict get $allowed $word]} {
                set words [lassign $words value]
                dict set found $word $value
            } else { dict set found $word 1 }
        } else { dict lappend found {} $word }
    }
    return $found
}
proc opened {} { if {$::project eq {}} { fail "no project is open" } }

proc project_new {args} {
    set given [options project_new {-overwrite 0 -revision 1} $args]
    set ::project [dict get $given {}]
    if {[dict get $given -revision] ne $::project} { fail "project_new: another revision" }
    close [open $::project.qpf w]
}
proc project_open {args} {
    set given [options project_open {-revision 1} $args]
    set name [dict get $given {}]
    if {![file isfile $name.qpf] || ![file isfile $name.qsf]} { fail "Project does not exist: $name" }
    set ::project $name
    set channel [open $name.qsf]; set ::assignments [read $channel]; close $channel
}
proc project_close {} { opened; set ::project {} }
proc get_part_info {args} {
    set given [options get_part_info {-family 0} $args]
    if {![dict exists {10AX115N2F40E1SG {Arria 10} AGFB014R24B2E2V {Agilex 7}} [dict get $given {}]]} {
        fail "Part name is illegal: [dict get $given {}]"
    }
    return [list [dict get {10AX115N2F40E1SG {Arria 10} AGFB014R24B2E2V {Agilex 7}} [dict get $given {}]]]
}
proc set_global_assignment {args} {
    opened
    set given [options set_global_assignment {-name 1} $args]
    set known {FAMILY DEVICE TOP_LEVEL_ENTITY PROJECT_OUTPUT_DIRECTORY VHDL_INPUT_VERSION SDC_FILE OPTIMIZATION_MODE
        VERILOG_FILE SYSTEMVERILOG_FILE VHDL_FILE}
    if {$::edition eq {Pro}} { lappend known ALLOW_REGISTER_RETIMING }
    set name [dict get $given -name]
    set value [dict get $given {}]
    if {$name ni $known || [llength $value] != 1} { fail "set_global_assignment: $args" }
    if {[string match *_FILE $name] && ![file isfile [lindex $value 0]]} { fail "no file [lindex $value 0]" }
    if {$name eq {OPTIMIZATION_MODE} && [lindex $value 0] ni {
        BALANCED {HIGH PERFORMANCE EFFORT} {AGGRESSIVE PERFORMANCE} {AGGRESSIVE AREA}}} { fail "mode [lindex $value 0]" }
    lappend ::assignments $name [lindex $value 0]
}
proc set_instance_assignment {args} {
    opened
    set given [options set_instance_assignment {-name 1 -to 1} $args]
    if {[dict get $given -name] ne {VIRTUAL_PIN} || [dict get $given {}] ni {ON OFF}} { fail "assignment $args" }
}
proc export_assignments {} {
    opened
    set channel [open $::project.qsf w]; puts -nonewline $channel $::assignments; close $channel
}

# constraints, read by timing analysis
set clocks {}
proc get_ports {name} { if {$name ne {clk}} { fail "no port $name" }; return $name }
proc all_inputs {} { return {clk x} }
proc all_outputs {} { return y }
proc remove_from_collection {all some} { return [lmap name $all { expr {$name in $some ? [continue] : $name} }] }
proc create_clock {args} { lappend ::clocks [dict get [options create_clock {-name 1 -period 1} $args] -name] }
proc delay {command words} {
    set given [options $command {-clock 1} $words]
    if {[dict get $given -clock] ni $::clocks || [llength [dict get $given {}]] != 2} { fail "$command $words" }
}
proc set_input_delay {args} { delay set_input_delay $args }
proc set_output_delay {args} { delay set_output_delay $args }
proc set_false_path {args} { options set_false_path {-hold 0 -from 1 -to 1} $args }

proc execute_module {args} {
    opened
    set tool [dict get [options execute_module {-tool 1} $args] -tool]
    set first [expr {$::edition eq {Pro} ? "syn" : "map"}]
    set after [dict create $first {} fit $first sta fit]
    if {![dict exists $after $tool]} { fail "no such tool: $tool" }
    set channel [open $::env(QUARTUS_STUB_JOURNAL) a]; puts $channel $tool; close $channel
    set before [dict get $after $tool]
    if {$before ne {} && ![file isfile db/$before]} { fail "$tool before $before" }
    if {[info exists ::env(QUARTUS_STUB_FAULT)]} {
        lassign [split $::env(QUARTUS_STUB_FAULT) :] where what
        if {$where eq $tool} {
            switch $what {
                fail { error "Error (170012): Fitter requires 9000 ALMs, but the device contains only 8000" }
                hang { after 600000 }
                die { exec kill -KILL [pid] }
            }
        }
    }
    if {$tool eq {sta}} { uplevel #0 [list source [dict get $::assignments SDC_FILE]] }
    file mkdir db [dict get $::assignments PROJECT_OUTPUT_DIRECTORY]
    close [open db/$tool w]
    file copy -force $::env(QUARTUS_STUB_REPORTS)/vmodel.[expr {$tool eq {map} ? "syn" : $tool}].rpt \
        [dict get $::assignments PROJECT_OUTPUT_DIRECTORY]/$::project.$tool.rpt
    puts "Info: Quartus Prime $tool was successful. 0 errors, 0 warnings"
}

if {$argv eq {--version}} { puts "Quartus Prime Shell\n$quartus(version)"; exit 0 }
set given [options quartus_sh {-t 1} $argv]
if {[catch {source [dict get $given -t]} message]} { puts stderr $message; exit 3 }
exit 0
