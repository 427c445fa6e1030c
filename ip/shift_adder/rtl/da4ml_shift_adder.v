// The sum or difference of two shifted integers:
// y = (a * 2^A_SHIFT +- b * 2^B_SHIFT) / 2^DROP, rounded down, modulo 2^Y_WIDTH.
//
// Below bit B_SHIFT the result is a alone, so that only the bits above it form a carry chain.
// Shifts are not negative. A sum has A_SHIFT <= B_SHIFT (swap the operands otherwise); a difference may have any.
// No operand reaches above the result: A_SHIFT + A_WIDTH and B_SHIFT + B_WIDTH are at most DROP + Y_WIDTH.
// Combinational.
// Cost: one carry chain: a LUT for each bit of the result above bit B_SHIFT, none below it.

`default_nettype none

module da4ml_shift_adder #(
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
    // b counts times 2^B_SHIFT; where the carry chain begins.
    parameter B_SHIFT = 0,
    // 1 to subtract b.
    parameter SUBTRACT = 0,
    // Low bits of the result that are left out.
    parameter DROP = 0,
    // Bits of y.
    parameter Y_WIDTH = 9
) (
    // The operand that is never subtracted, two's complement if A_SIGNED.
    input  wire [A_WIDTH-1:0] a,
    // The operand that is subtracted if SUBTRACT, two's complement if B_SIGNED.
    input  wire [B_WIDTH-1:0] b,
    // Bits DROP and up of the result.
    output wire [Y_WIDTH-1:0] y
);
    localparam TOP = DROP + Y_WIDTH;
    localparam CHAIN = TOP - B_SHIFT;

    // Both operands with their sign up to bit TOP - 1: a from bit 0, b from the foot of the carry chain.
    wire [TOP-1:0] a_full;
    wire [CHAIN-1:0] b_full;
    // Yosys would merge chained adders into multi-operand sums, which take more LUTs than their carry chains. Only what
    // the chain makes is kept: of kept nets that are wiring its technology mapping has left bits without a driver.
`ifdef YOSYS
    (* keep *)
`endif
    wire [CHAIN-1:0] upper;
    wire [TOP-1:0] sum;

    assign a_full[A_SHIFT+A_WIDTH-1:A_SHIFT] = a;
    assign b_full[B_WIDTH-1:0] = b;
    generate
        if (A_SHIFT > 0) begin : a_below
            assign a_full[A_SHIFT-1:0] = {A_SHIFT{1'b0}};
        end
        if (TOP > A_SHIFT + A_WIDTH) begin : a_above
            assign a_full[TOP-1:A_SHIFT+A_WIDTH] = {TOP - A_SHIFT - A_WIDTH{(A_SIGNED != 0) & a[A_WIDTH-1]}};
        end
        if (CHAIN > B_WIDTH) begin : b_above
            assign b_full[CHAIN-1:B_WIDTH] = {CHAIN - B_WIDTH{(B_SIGNED != 0) & b[B_WIDTH-1]}};
        end
        if (B_SHIFT > 0) begin : below
            assign sum = {upper, a_full[B_SHIFT-1:0]};
        end else begin : whole
            assign sum = upper;
        end
        if (SUBTRACT != 0) begin : difference
            assign upper = a_full[TOP-1:B_SHIFT] - b_full;
        end else begin : addition
            assign upper = a_full[TOP-1:B_SHIFT] + b_full;
        end
    endgenerate
    assign y = sum[TOP-1:DROP];

    wire unused = &{1'b0, sum};  // the dropped bits end here
endmodule

`default_nettype wire
