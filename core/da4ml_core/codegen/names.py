"""Identifiers that are legal in Verilog, SystemVerilog and VHDL alike."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from da4ml_core.errors import CodegenError

MAX_LENGTH = 64
_LEGAL = re.compile(r'[A-Za-z](?:_?[A-Za-z0-9])*\Z')

# IEEE 1364-2005 annex B, IEEE 1800-2017 annex B, IEEE 1076-2008 section 15.10; compared without case, as VHDL does.
_VERILOG = """
always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam design
disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable endtask event
for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout input instance
integer join large liblist library localparam macromodule medium module nand negedge nmos nor noshowcancelled not notif0
notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent
rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled signed small specify
specparam strong0 strong1 supply0 supply1 table task time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg
unsigned use uwire vectored wait wand weak0 weak1 while wire wor xnor xor
"""
_SYSTEMVERILOG = """
accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle checker
class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker endclass
endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect export extends
extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies import inside int
interconnect interface intersect join_any join_none let local logic longint matches modport nettype new nexttime null
package packed priority program property protected pure rand randc randcase randsequence ref reject_on restrict return
s_always s_eventually s_nexttime s_until s_until_with sequence shortint shortreal soft solve static string strong struct
super sync_accept_on sync_reject_on tagged this throughout timeprecision timeunit type typedef union unique unique0
until until_with untyped var virtual void wait_order weak wildcard with within
"""
_VHDL = """
abs access after all architecture array assume_guarantee attribute block body buffer bus component configuration
constant disconnect downto elsif entity exit fairness file generic group guarded impure in inertial is label linkage
literal loop map mod next of on open others out postponed procedure process range record register reject rem report
restrict_guarantee rol ror select severity shared signal sla sll sra srl subtype then to transport unaffected units
variable vmode vprop vunit when
"""
KEYWORDS = frozenset(f'{_VERILOG} {_SYSTEMVERILOG} {_VHDL}'.split())
# Names that VHDL declares and every design uses: an entity of that name would hide them.
_USED = frozenset({'ieee', 'rising_edge', 'std', 'std_logic', 'std_logic_vector', 'work'})


def identifier(text: str, default: str = 'model') -> str:
    """The legal identifier nearest to any text; long ones end in a digest of the whole text."""
    ascii_text = unicodedata.normalize('NFKD', text).encode('ascii', 'ignore').decode()
    name = re.sub(r'[^A-Za-z0-9]+', '_', ascii_text).strip('_') or default
    if not name[0].isalpha() or _is_reserved(name):
        name = f'{default}_{name}'
    if len(name) > MAX_LENGTH:
        name = f'{name[: MAX_LENGTH - 9].rstrip("_")}_{sha256(text.encode()).hexdigest()[:8]}'
    return name


def check_identifier(name: str, what: str) -> str:
    """The name itself; raises CodegenError, with the nearest legal one, if a tool could stumble over it."""
    if not _LEGAL.match(name) or len(name) > MAX_LENGTH or _is_reserved(name):
        reason = 'is reserved' if _is_reserved(name) else 'is not a legal identifier in Verilog and VHDL'
        raise CodegenError(f'the {what} {name!r} {reason}', hint=f'use {identifier(name)!r}, for example')
    return name


def _is_reserved(name: str) -> bool:
    """Keywords, names that designs use, and the names of the primitives."""
    return name.lower() in KEYWORDS | _USED or name.lower().startswith('da4ml_')
