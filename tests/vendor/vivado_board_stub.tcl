# A stand-in for Vivado in project mode, as the stock flow of edalize drives it: strict, and a project is a file of Tcl.
#
# An unknown command or option, a missing file, or a step out of order ends it with status 1.

set project [dict create name {} sources {} properties {} runs {synth_1 0% impl_1 0%}]
proc fail {message} { error "ERROR: \[Stub 2-1\] $message" }
proc save {} {
    set channel [open [dict get $::project name].xpr w]; puts $channel $::project; close $channel
}
proc opened {} { if {[dict get $::project name] eq {}} { fail "no project is open" } }
proc create_project {name args} {
    if {$args ne {-force}} { fail "create_project $args" }
    dict set ::project name $name
    save
}
proc current_project {} { opened; return [dict get $::project name] }
proc current_fileset {} { opened; return sources_1 }
proc current_run {} { opened; return impl_1 }
proc get_filesets {name} { if {$name ne {sources_1}} { fail "fileset $name" }; return $name }
proc get_runs {name} { if {![dict exists $::project runs $name]} { fail "run $name" }; return $name }
proc set_property {name value object} {
    opened
    if {$name ni {part include_dirs top source_mgmt_mode}} { fail "property $name" }
    if {$name eq {part} && ![regexp {^xc[a-z0-9]+-} $value]} { fail "part '$value'" }
    dict set ::project properties $name $value
    save
}
proc list_property {object name} { return {} }
proc get_property {name object} {
    switch $name {
        PROGRESS { return [dict get $::project runs $object] }
        NEEDS_REFRESH { return 0 }
        DIRECTORY { return [dict get $::project name].runs/$object }
        top { return [dict get $::project properties top] }
        default { fail "property $name" }
    }
}
proc source_file {path} {
    opened
    if {![file isfile $path]} { fail "File '$path' does not exist" }
    dict lappend ::project sources $path
    save
}
proc read_verilog {path} { source_file $path }
proc read_xdc {path} { source_file $path }
proc reset_runs {run} { dict set ::project runs [get_runs $run] 0% }
proc launch_runs {run args} {
    get_runs $run
    if {$run eq {impl_1}} {
        if {$args ne {-to_step write_bitstream}} { fail "launch_runs $args" }
        if {[dict get $::project runs synth_1] ne {100%}} { fail "implementation before synthesis" }
    } elseif {$args ne {}} { fail "launch_runs $args" }
    set modules {}
    foreach path [dict get $::project sources] {
        set channel [open $path]; set text [read $channel]; close $channel
        regsub -all {//[^\n]*} $text {} text
        foreach {-> name} [regexp -all -inline {\mmodule\s+(\w+)} $text] { lappend modules $name }
    }
    if {[dict get $::project properties top] ni $modules} { fail "module '[dict get $::project properties top]'" }
    foreach name {net da4ml_ternary_adder} { if {$name ni $modules} { fail "\[Synth 8-439\] module '$name' not found" } }
    set folder [dict get $::project name].runs/$run
    file mkdir $folder
    if {$run eq {impl_1}} { close [open $folder/[dict get $::project properties top].bit w] }
    dict set ::project runs $run 100%
    save
}
proc wait_on_run {run} { get_runs $run }

set scripts {}
set words $argv
while {[llength $words]} {
    set words [lassign $words word]
    switch -glob -- $word {
        -notrace {}
        -mode { set words [lassign $words mode]; if {$mode ne {batch}} { puts stderr "mode $mode"; exit 1 } }
        -source { set words [lassign $words script]; lappend scripts $script }
        *.tcl { lappend scripts $word }
        *.xpr { set channel [open $word]; set project [string trim [read $channel]]; close $channel }
        default { puts stderr "unknown option '$word'"; exit 1 }
    }
}
foreach script $scripts { if {[catch {source $script} message]} { puts stderr $message; exit 1 } }
exit 0
