# A stand-in for Vivado: runs batch scripts with the commands that it knows and plays back recorded reports.
#
# Strict: an unknown command or option, a missing file or part, or a step out of order ends it with status 1.
# From the environment: VIVADO_STUB_REPORTS (folder of recorded reports), VIVADO_STUB_VERSION, VIVADO_STUB_FAULT as in
# `place_design:fail|hang|die|full`, VIVADO_STUB_JOURNAL (a file that takes a line a step).

set version [expr {[info exists env(VIVADO_STUB_VERSION)] ? $env(VIVADO_STUB_VERSION) : "2025.1"}]
set state {}          ;# what the design in memory has been through
set top {}
set sources {}
set ports [dict create]
set clocks {}
set order {synth_design opt_design place_design phys_opt_design route_design}

proc fail {message} { error "ERROR: \[Stub 1-1\] $message" }

# options: name -> number of values; returns a dict of them, and the rest under {}
proc options {command allowed words} {
    set found [dict create {} {}]
    while {[llength $words]} {
        set words [lassign $words word]
        if {[regexp {^-[a-z]} $word]} {
            if {![dict exists $allowed $word]} { fail "$command: unknown option '$word'" }
            if {[dict get $allowed $word]} {
                if {![llength $words]} { fail "$command: option '$word' wants a value" }
                set words [lassign $words value]
                dict lappend found $word $value
            } else { dict set found $word 1 }
        } else { dict lappend found {} $word }
    }
    return $found
}

proc only {command given count} {
    if {[llength [dict get $given {}]] != $count} { fail "$command: $count arguments, not [dict get $given {}]" }
}

proc read_file {path} {
    if {![file isfile $path]} { fail "File '$path' does not exist" }
    set channel [open $path]; set text [read $channel]; close $channel
    return $text
}

proc fault {command} {
    global env
    if {[info exists env(VIVADO_STUB_JOURNAL)]} {
        set channel [open $env(VIVADO_STUB_JOURNAL) a]; puts $channel $command; close $channel
    }
    if {![info exists env(VIVADO_STUB_FAULT)]} return
    lassign [split $env(VIVADO_STUB_FAULT) :] where what
    if {$where ne $command} return
    switch $what {
        fail { fail "\[Place 30-640\] Place Check : This design requires more CARRY8 cells than are available" }
        hang { after 600000 }
        die  { kill_self }
        full { set channel [open "filler.dcp" w]; puts $channel "half"; close $channel
               error "couldn't write: No space left on device" }
    }
}
proc kill_self {} { saved_exec kill -KILL [pid] }

proc version {args} {
    if {$args ne {-short}} { fail "version: unknown option '$args'" }
    return $::version
}

proc read_source {command allowed words} {
    set given [options $command $allowed $words]
    only $command $given 1
    set path [lindex [dict get $given {}] 0]
    set text [read_file $path]
    lappend ::sources $path $text
}
proc read_verilog {args} { read_source read_verilog {-sv 0} $args }
proc read_vhdl {args} { read_source read_vhdl {-vhdl2008 0} $args }
proc read_xdc {args} {
    set given [options read_xdc {-mode 1} $args]
    only read_xdc $given 1
    lappend ::constraints [lindex [dict get $given {}] 0]
    read_file [lindex $::constraints end]
}

proc release {} { regexp {^\d+\.\d+} $::version found; return $found }

proc synth_design {args} {
    global top ports sources state constraints
    set allowed {-top 1 -part 1 -mode 1 -generic 1 -flatten_hierarchy 1 -directive 1}
    # 2021.1 is known to reject -global_retiming
    dict set allowed {*}[expr {[package vcompare [release] 2022.1] >= 0 ? "-global_retiming 1" : "-retiming 0"}]
    set given [options synth_design $allowed $args]
    only synth_design $given 0
    set top [dict get $given -top]
    if {[dict get $given -mode] ne {out_of_context}} { fail "synth_design: mode [dict get $given -mode]" }
    if {![regexp {^xc[a-z0-9]+-} [dict get $given -part]]} { fail "\[Coretcl 2-106\] Specified part could not be found." }
    if {[dict exists $given -directive]} {
        set known {Default RuntimeOptimized AreaOptimized_high AreaOptimized_medium AlternateRoutability
            AreaMapLargeShiftRegToBRAM AreaMultThresholdDSP FewerCarryChains PerformanceOptimized}
        if {[dict get $given -directive] ni $known} { fail "synth_design: no directive [dict get $given -directive]" }
    }
    set ports {}
    foreach {path text} $sources {
        regsub -all {//[^\n]*} $text {} text
        if {[regexp "module\\s+$top\\M(.*?)\\);" $text -> list]} {
            foreach {-> direction name} [regexp -all -inline {(input|output)\s+wire\s*(?:\[\d+:0\]\s*)?(\w+)} $list] {
                dict set ports $name [dict get {input IN output OUT} $direction]
            }
        }
        if {[regexp -nocase "entity\\s+$top\\s+is\\s+port\\s*\\((.*?)\\);\\s*end" $text -> list]} {
            foreach {-> name direction} [regexp -all -inline {(\w+)\s*:\s*(in|out)\M} $list] {
                dict set ports $name [string toupper $direction]
            }
        }
    }
    foreach {path text} $sources {
        if {[dict size $ports] || ![regexp "module\\s+$top\\M(.*?)endmodule" $text -> body]} continue
        foreach {-> direction name} [regexp -all -inline -line {^(input|output)\s+(?:\[\d+:0\]\s*)?(\w+);} $body] {
            dict set ports $name [dict get {input IN output OUT} $direction]
        }
    }
    if {![dict size $ports]} { fail "\[Synth 8-439\] module '$top' not found" }
    fault synth_design
    foreach file $constraints { uplevel #0 [list source $file] }
    if {![llength $::clocks]} { fail "no clock" }
    set state synth_design
    puts "synth_design completed successfully"
}

proc get_ports {args} {
    set given [options get_ports {-filter 1} $args]
    set found {}
    foreach name [dict get $given {}] {
        if {![dict exists $::ports $name]} { fail "\[Vivado 12-584\] No ports matched '$name'." }
        lappend found $name
    }
    if {[dict exists $given -filter]} {
        if {![regexp {^DIRECTION == (IN|OUT)(?: && NAME != (\w+))?$} [lindex [dict get $given -filter] 0] -> way but]} {
            fail "get_ports: a filter that is not understood"
        }
        dict for {name direction} $::ports {
            if {$direction eq $way && $name ne $but} { lappend found $name }
        }
    }
    if {![llength $found]} { fail "No ports matched" }
    return $found
}
proc create_clock {args} {
    set given [options create_clock {-name 1 -period 1} $args]
    if {[dict get $given -period] <= 0} { fail "create_clock: a period of [dict get $given -period]" }
    lappend ::clocks [dict get $given -name]
}
proc delay {command words} {
    set given [options $command {-clock 1} $words]
    only $command $given 2
    if {[lindex [dict get $given -clock] 0] ni $::clocks} { fail "$command: no such clock" }
}
proc set_input_delay {args} { delay set_input_delay $args }
proc set_output_delay {args} { delay set_output_delay $args }
proc set_false_path {args} { only set_false_path [options set_false_path {-hold 0 -from 1 -to 1} $args] 0 }

proc step {command after allowed words} {
    only $command [options $command $allowed $words] 0
    if {[lindex $::state end] ne $after} { fail "$command after '$::state'" }
    fault $command
    lappend ::state $command
    puts "$command completed successfully"
}
proc opt_design {args} { step opt_design synth_design {-directive 1} $args }
proc place_design {args} { step place_design opt_design {-directive 1} $args }
proc phys_opt_design {args} { step phys_opt_design place_design {-directive 1} $args }
proc route_design {args} { step route_design phys_opt_design {-directive 1} $args }

proc open_checkpoint {path} {
    set lines [split [read_file $path] \n]
    if {[lindex $lines 0] ne {stub checkpoint} || [lindex $lines end-1] ne {end}} { fail "'$path' is no checkpoint" }
    set ::top [lindex $lines 1]
    set ::state [lindex $lines 2]
}
proc write_checkpoint {args} {
    set given [options write_checkpoint {-force 0} $args]
    only write_checkpoint $given 1
    if {$::state eq {}} { fail "no design is open" }
    set channel [open [lindex [dict get $given {}] 0] w]
    puts $channel "stub checkpoint\n$::top\n$::state\nend"
    close $channel
}

proc play {kind given} {
    if {$::state eq {}} { fail "no design is open" }
    if {![dict exists $given -file]} { fail "a report without a file" }
    set step [lindex $::state end]
    set phase [expr {$step in {synth_design opt_design} ? "synth" : $step eq {route_design} ? "route" : "place"}]
    set path [lindex [dict get $given -file] 0]
    if {![file isdirectory [file dirname $path]]} { fail "no folder for '$path'" }
    switch $kind {
        util { set name [expr {$phase eq {synth} ? "post_synth_util" : "post_route_util"}] }
        timing { set name post_${phase}_timing }
        power { set name [expr {$phase eq {route} ? "post_route_power" : "post_synth_power"}] }
        default { set name [dict get {drc post_route_drc paths post_route_timing_paths
                                      congestion post_place_congestion_final} $kind] }
    }
    file copy -force $::env(VIVADO_STUB_REPORTS)/vmodel_$name.rpt $path
}
proc report_utilization {args} {
    set given [options report_utilization {-file 1 -hierarchical 0 -format 1} $args]
    if {[dict exists $given -format]} {
        set channel [open [lindex [dict get $given -file] 0] w]; puts $channel <RptDoc/>; close $channel
    } else { play util $given }
}
proc report_timing_summary {args} { play timing [options report_timing_summary {-file 1} $args] }
proc report_timing {args} {
    play paths [options report_timing {-file 1 -sort_by 1 -max_paths 1 -path_type 1} $args]
}
proc report_power {args} { play power [options report_power {-file 1} $args] }
proc report_drc {args} { play drc [options report_drc {-file 1} $args] }
proc report_design_analysis {args} {
    if {[lindex $::state end] in {synth_design opt_design}} { fail "congestion of a design that is not placed" }
    play congestion [options report_design_analysis {-file 1 -congestion 0} $args]
}

if {$argv eq {-version}} {
    puts "Vivado v$version (64-bit)"
    puts "SW Build 6140274 on Wed May 21 22:58:25 MDT 2025"
    exit 0
}
rename exec saved_exec
set given [options vivado {-mode 1 -nojournal 0 -notrace 0 -log 1 -source 1} $argv]
set channel [open [dict get $given -log] w]
puts $channel "# Vivado v$version"
if {[dict get $given -mode] ne {batch} || [catch {source [dict get $given -source]} message]} {
    puts stderr $message
    puts $channel $message
    exit 1
}
exit 0
