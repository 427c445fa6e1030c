// The sum of three shifted integers:
// y = (a * 2^A_SHIFT +- b * 2^B_SHIFT +- c * 2^C_SHIFT) / 2^DROP, rounded down, modulo 2^Y_WIDTH.
//
// Below the lower of bits B_SHIFT and C_SHIFT the result is a alone, so that only the bits above it form carry chains.
// Shifts are not negative. Terms that are added come before terms that are subtracted, in ascending order of shifts.
// No operand reaches above the result: its shift and width together are at most DROP + Y_WIDTH.
// Combinational. STYLE 0 is the plain sum, for tools that map both additions together to one LUT6 per bit; others make
// two adders of it. STYLE 4 and 8 are those LUTs as cells of Xilinx' devices: LUT6_2 on CARRY4 or on CARRY8. The LUT
// of a bit makes the sum and the majority of the three operand bits; the carry chain adds the sums to the majorities of
// the bits below. Of the two ones that complete the complements, one is the carry in, one the majority below bit 0.
// Cost: for n bits above the lowest of b and c: n LUTs in STYLE 4 and 8, about 1.8 n of the plain sum in Yosys.

`default_nettype none

module da4ml_ternary_adder #(
    // Bits of a.
    parameter A_WIDTH = 8,
    // 1 if a is two's complement, 0 if unsigned.
    parameter A_SIGNED = 1,
    // a counts times 2^A_SHIFT.
    parameter A_SHIFT = 0,
    // Bits of b.
    parameter B_WIDTH = 8,
    // 1 if b is two's complement, 0 if unsigned.
    parameter B_SIGNED = 1,
    // b counts times 2^B_SHIFT.
    parameter B_SHIFT = 0,
    // 1 to subtract b.
    parameter SUBTRACT_B = 0,
    // Bits of c.
    parameter C_WIDTH = 8,
    // 1 if c is two's complement, 0 if unsigned.
    parameter C_SIGNED = 1,
    // c counts times 2^C_SHIFT.
    parameter C_SHIFT = 0,
    // 1 to subtract c.
    parameter SUBTRACT_C = 0,
    // Low bits of the result that are left out.
    parameter DROP = 0,
    // Bits of y.
    parameter Y_WIDTH = 10,
    // 0: the plain sum; 4, 8: LUT6_2 cells on CARRY4, CARRY8.
    parameter STYLE = 0
) (
    // The operand that is never subtracted, two's complement if A_SIGNED.
    input  wire [A_WIDTH-1:0] a,
    // The operand that is subtracted if SUBTRACT_B, two's complement if B_SIGNED.
    input  wire [B_WIDTH-1:0] b,
    // The operand that is subtracted if SUBTRACT_C, two's complement if C_SIGNED.
    input  wire [C_WIDTH-1:0] c,
    // Bits DROP and up of the result.
    output wire [Y_WIDTH-1:0] y
);
    localparam TOP = DROP + Y_WIDTH;
    localparam FOOT = B_SHIFT < C_SHIFT ? B_SHIFT : C_SHIFT;
    localparam CHAIN = TOP - FOOT;
    localparam B_RISE = B_SHIFT - FOOT;
    localparam C_RISE = C_SHIFT - FOOT;

    // All operands with their sign up to bit TOP - 1: a from bit 0, b and c from the foot of the carry chain.
    wire [TOP-1:0] a_full;
    wire [CHAIN-1:0] b_full;
    wire [CHAIN-1:0] c_full;
    // Yosys would merge the adders into multi-operand sums, which take more LUTs than carry chains. Only what
    // the chain makes is kept: of kept nets that are wiring its technology mapping has left bits without a driver.
`ifdef YOSYS
    (* keep *)
`endif
    wire [CHAIN-1:0] upper;
    wire [TOP-1:0] sum;

    assign a_full[A_SHIFT+A_WIDTH-1:A_SHIFT] = a;
    assign b_full[B_RISE+B_WIDTH-1:B_RISE] = b;
    assign c_full[C_RISE+C_WIDTH-1:C_RISE] = c;
    generate
        if (A_SHIFT > 0) begin : a_below
            assign a_full[A_SHIFT-1:0] = {A_SHIFT{1'b0}};
        end
        if (B_RISE > 0) begin : b_below
            assign b_full[B_RISE-1:0] = {B_RISE{1'b0}};
        end
        if (C_RISE > 0) begin : c_below
            assign c_full[C_RISE-1:0] = {C_RISE{1'b0}};
        end
        if (TOP > A_SHIFT + A_WIDTH) begin : a_above
            assign a_full[TOP-1:A_SHIFT+A_WIDTH] = {TOP - A_SHIFT - A_WIDTH{(A_SIGNED != 0) & a[A_WIDTH-1]}};
        end
        if (CHAIN > B_RISE + B_WIDTH) begin : b_above
            assign b_full[CHAIN-1:B_RISE+B_WIDTH] = {CHAIN - B_RISE - B_WIDTH{(B_SIGNED != 0) & b[B_WIDTH-1]}};
        end
        if (CHAIN > C_RISE + C_WIDTH) begin : c_above
            assign c_full[CHAIN-1:C_RISE+C_WIDTH] = {CHAIN - C_RISE - C_WIDTH{(C_SIGNED != 0) & c[C_WIDTH-1]}};
        end
        if (FOOT > 0) begin : below
            assign sum = {upper, a_full[FOOT-1:0]};
        end else begin : whole
            assign sum = upper;
        end
        if (STYLE == 0) begin : plain
`ifdef YOSYS
            (* keep *)
`endif
            wire [CHAIN-1:0] partial;
            if (SUBTRACT_B != 0) begin : b_subtracted
                assign partial = a_full[TOP-1:FOOT] - b_full;
            end else begin : b_added
                assign partial = a_full[TOP-1:FOOT] + b_full;
            end
            if (SUBTRACT_C != 0) begin : c_subtracted
                assign upper = partial - c_full;
            end else begin : c_added
                assign upper = partial + c_full;
            end
        end else begin : cells
            localparam GROUPS = (CHAIN + STYLE - 1) / STYLE;
            localparam BITS = GROUPS * STYLE;
            // Functions of {c, b, a}, and of {majority below, c, b, a}, in which what is subtracted is complemented.
            localparam [7:0] MAJORITY = SUBTRACT_B != 0 ? (SUBTRACT_C != 0 ? 8'h2b : 8'hb2)
                                                        : (SUBTRACT_C != 0 ? 8'h8e : 8'he8);
            localparam [15:0] PARITY = (SUBTRACT_B != 0) ^ (SUBTRACT_C != 0) ? 16'h9669 : 16'h6996;
            wire [CHAIN:0] majority;
            wire [BITS-1:0] propagate;
            wire [BITS-1:0] generated;
            wire [BITS-1:0] result;
            wire [BITS:0] carry;

            assign majority[0] = SUBTRACT_B != 0;
            assign carry[0] = SUBTRACT_C != 0;
            assign generated[CHAIN-1:0] = majority[CHAIN-1:0];
            if (BITS > CHAIN) begin : beyond
                assign propagate[BITS-1:CHAIN] = {BITS - CHAIN{1'b0}};
                assign generated[BITS-1:CHAIN] = {BITS - CHAIN{1'b0}};
            end
            genvar i;
            for (i = 0; i < CHAIN; i = i + 1) begin : place
                LUT6_2 #(.INIT({{2{PARITY}}, {4{MAJORITY}}})) compress (
                    .I0(a_full[FOOT+i]), .I1(b_full[i]), .I2(c_full[i]), .I3(majority[i]), .I4(1'b0), .I5(1'b1),
                    .O5(majority[i+1]), .O6(propagate[i])
                );
            end
            for (i = 0; i < GROUPS; i = i + 1) begin : group
                if (STYLE == 8) begin : wide
                    CARRY8 add (
                        .CI(carry[8*i]), .CI_TOP(1'b0), .DI(generated[8*i+:8]), .S(propagate[8*i+:8]),
                        .O(result[8*i+:8]), .CO(carry[8*i+1+:8])
                    );
                end else begin : narrow
                    CARRY4 add (
                        .CI(i > 0 ? carry[4*i] : 1'b0), .CYINIT(i > 0 ? 1'b0 : carry[0]), .DI(generated[4*i+:4]),
                        .S(propagate[4*i+:4]), .O(result[4*i+:4]), .CO(carry[4*i+1+:4])
                    );
                end
            end
            assign upper = result[CHAIN-1:0];
            wire unused = &{1'b0, majority[CHAIN], carry, result};  // what the last cells make beyond the result
        end
    endgenerate
    assign y = sum[TOP-1:DROP];

    wire unused = &{1'b0, sum};  // the dropped bits end here
endmodule

`default_nettype wire
