// What three cells of Xilinx' devices compute, without their timing: models for simulators and linters alone.
//
// Written from the truth tables of the libraries guides (AMD UG953, UG974). Synthesis uses the cells of its tool.

`default_nettype none

/* verilator lint_off DECLFILENAME */
// Two functions of the same inputs: O5 of I0 to I4 is the lower half of INIT; O6 has also I5, which selects a half.
module LUT6_2 #(
    parameter [63:0] INIT = 64'h0
) (
    input  wire I0,
    input  wire I1,
    input  wire I2,
    input  wire I3,
    input  wire I4,
    input  wire I5,
    output wire O5,
    output wire O6
);
    wire [4:0] address = {I4, I3, I2, I1, I0};

    assign O5 = INIT[{1'b0, address}];
    assign O6 = INIT[{I5, address}];
endmodule

// A carry chain of four bits: where S is 1 the carry goes on, where it is 0 DI takes its place.
module CARRY4 (
    input  wire CI,
    input  wire CYINIT,
    input  wire [3:0] DI,
    input  wire [3:0] S,
    output wire [3:0] O,
    output wire [3:0] CO
);
    wire [4:0] carry;

    assign carry = {(S & carry[3:0]) | (~S & DI), CI | CYINIT};
    assign O = S ^ carry[3:0];
    assign CO = carry[4:1];
endmodule

// The same of eight bits, in one chain; CI_TOP is for two chains of four, which these models do not have.
module CARRY8 (
    input  wire CI,
    input  wire CI_TOP,
    input  wire [7:0] DI,
    input  wire [7:0] S,
    output wire [7:0] O,
    output wire [7:0] CO
);
    wire [8:0] carry;

    assign carry = {(S & carry[7:0]) | (~S & DI), CI};
    assign O = S ^ carry[7:0];
    assign CO = carry[8:1];

    wire unused = &{1'b0, CI_TOP};
endmodule
/* verilator lint_on DECLFILENAME */

`default_nettype wire
