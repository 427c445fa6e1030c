// The conversion of an integer to a fixed-point type:
// y = overflow(round(a / 2^SHIFT)), the modes of ap_fixed (AMD UG1399).
//
// ROUNDING  0 TRN        towards minus infinity          OVERFLOW  0 WRAP      modulo 2^Y_WIDTH
//           1 TRN_ZERO   towards zero                              1 SAT       clamped to the range of y
//           2 RND        nearest, ties up                          2 SAT_SYM   clamped, without the most negative code
//           3 RND_ZERO   nearest, ties towards zero                3 SAT_ZERO  zero when out of range
//           4 RND_INF    nearest, ties away from zero
//           5 RND_MIN_INF  nearest, ties down
//           6 RND_CONV   nearest, ties to even
//
// SHIFT is not negative (append zeros to a otherwise). Combinational.
// Cost: nothing to drop bits; to round, a carry chain of the result; to saturate, a LUT a bit and a few more.

`default_nettype none

module da4ml_quantize #(
    // Bits of a.
    parameter A_WIDTH = 12,
    // 1 if a is two's complement, 0 if unsigned.
    parameter A_SIGNED = 1,
    // Bits that rounding removes.
    parameter SHIFT = 4,
    // 0 TRN, 1 TRN_ZERO, 2 RND, 3 RND_ZERO, 4 RND_INF, 5 RND_MIN_INF, 6 RND_CONV.
    parameter ROUNDING = 0,
    // 0 WRAP, 1 SAT, 2 SAT_SYM, 3 SAT_ZERO.
    parameter OVERFLOW = 0,
    // Bits of y.
    parameter Y_WIDTH = 8,
    // 1 if y is two's complement, 0 if unsigned.
    parameter Y_SIGNED = 1
) (
    // The operand, two's complement if A_SIGNED.
    input  wire [A_WIDTH-1:0] a,
    // The result, two's complement if Y_SIGNED.
    output wire [Y_WIDTH-1:0] y
);
    // The rounded number: modulo 2^Y_WIDTH, or whole and with room for a carry and the sign where its range is checked.
    localparam KEPT = A_WIDTH > SHIFT ? A_WIDTH - SHIFT : 1;
    localparam ROUNDED = OVERFLOW == 0 ? Y_WIDTH : (KEPT > Y_WIDTH ? KEPT : Y_WIDTH) + 2;
    localparam WIDE = ROUNDED + SHIFT;

    wire negative = (A_SIGNED != 0) & a[A_WIDTH-1];
    wire [WIDE-1:0] wide;
    wire [ROUNDED-1:0] rounded;
    wire unused = &{1'b0, a, negative, wide};  // not every mode looks at every bit

    generate
        if (WIDE > A_WIDTH) begin : extended
            assign wide = {{WIDE - A_WIDTH{negative}}, a};
        end else begin : cut
            assign wide = a[WIDE-1:0];
        end

        if (SHIFT == 0 || ROUNDING == 0) begin : truncation
            assign rounded = wide[WIDE-1:SHIFT];
        end else begin : rounding
            wire half = wide[SHIFT-1];
            wire rest;  // whether anything is below the half
            wire up;
            if (SHIFT > 1) begin : some_rest
                assign rest = |wide[SHIFT-2:0];
            end else begin : no_rest
                assign rest = 1'b0;
            end
            assign up = ROUNDING == 1 ? negative & (half | rest) :
                        ROUNDING == 2 ? half :
                        ROUNDING == 3 ? half & (negative | rest) :
                        ROUNDING == 4 ? half & (~negative | rest) :
                        ROUNDING == 5 ? half & rest :
                                        half & (wide[SHIFT] | rest);
            if (ROUNDED > 1) begin : carry
                assign rounded = wide[WIDE-1:SHIFT] + {{ROUNDED - 1{1'b0}}, up};
            end else begin : toggle
                assign rounded = wide[SHIFT] ^ up;
            end
        end

        if (OVERFLOW == 0) begin : wrapped
            assign y = rounded;
        end else begin : bounded
            wire below;  // the number is less than the lowest code
            wire above;  // the number is more than the highest code
            wire [Y_WIDTH-1:0] lowest;
            wire [Y_WIDTH-1:0] highest;
            if (Y_SIGNED == 0) begin : unsigned_range
                assign below = rounded[ROUNDED-1];
                assign above = ~rounded[ROUNDED-1] & |rounded[ROUNDED-2:Y_WIDTH];
                assign lowest = {Y_WIDTH{1'b0}};
                assign highest = {Y_WIDTH{1'b1}};
            end else if (Y_WIDTH == 1) begin : sign_range
                assign below = rounded[ROUNDED-1] & ~(&rounded[ROUNDED-2:0] & (OVERFLOW != 2));
                assign above = ~rounded[ROUNDED-1] & |rounded[ROUNDED-2:0];
                assign lowest = OVERFLOW != 2;
                assign highest = 1'b0;
            end else begin : signed_range
                // The symmetric range is one code shorter: its lowest code is itself out of range.
                assign below = rounded[ROUNDED-1] & ~(&rounded[ROUNDED-2:Y_WIDTH-1]
                                                      & (OVERFLOW != 2 | (|rounded[Y_WIDTH-2:0])));
                assign above = ~rounded[ROUNDED-1] & |rounded[ROUNDED-2:Y_WIDTH-1];
                assign lowest = {1'b1, {Y_WIDTH - 1{1'b0}}} | {{Y_WIDTH - 1{1'b0}}, OVERFLOW == 2};
                assign highest = {1'b0, {Y_WIDTH - 1{1'b1}}};
            end
            assign y = OVERFLOW == 3 ? rounded[Y_WIDTH-1:0] & {Y_WIDTH{~(below | above)}} :
                       below ? lowest :
                       above ? highest : rounded[Y_WIDTH-1:0];
        end
    endgenerate
endmodule

`default_nettype wire
