package attr

import (
	"cmp"
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// The range of DynamoDB's numbers ("Supported data types": number): 38 significant digits,
// magnitudes from 1E-130 to 9.99...E+125.
const (
	maxDigits = 38
	maxPower  = 125
	minPower  = -130
)

// ParseNumber reads a number as DynamoDB does and returns it in canonical form, the form of
// DynamoDB's answers: plain decimal text without exponent, plus sign or needless zeros. Two numbers
// are equal exactly if their texts are. It fails with Invalid if the text is not a number, or is
// one that is too large, too small or too precise.
func ParseNumber(text string) (Number, error) {
	if isPlainInteger(text) {
		return Number(text), nil
	}
	rest, negative := strings.CutPrefix(text, "-")
	if !negative {
		rest = strings.TrimPrefix(rest, "+")
	}
	mantissa, exponent, hasExponent := cutExponent(rest)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || !allDigits(digits) ||
		hasExponent && !allDigits(strings.TrimLeft(exponent, "+-")) {
		return "", Invalid("The parameter cannot be converted to a numeric value: " + text)
	}
	point, err := exponentOf(exponent, hasExponent)
	if err != nil {
		return "", Invalid("The parameter cannot be converted to a numeric value: " + text)
	}
	significant := strings.TrimLeft(digits, "0")
	// Now count the point's position from the first significant digit.
	point += len(whole) - (len(digits) - len(significant))
	significant = strings.TrimRight(significant, "0")
	switch {
	case significant == "":
		return "0", nil
	case point-1 > maxPower:
		return "", Invalid(
			"Number overflow. Attempting to store a number with magnitude larger than " +
				"supported range",
		)
	case point-1 < minPower:
		return "", Invalid(
			"Number underflow. Attempting to store a number with magnitude smaller than " +
				"supported range",
		)
	case len(significant) > maxDigits:
		return "", Invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return plainDecimal(negative, significant, point), nil
}

// isPlainInteger reports whether the text is an integer in canonical form. It makes the usual case
// fast.
func isPlainInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > maxDigits || !allDigits(digits) {
		return false
	}
	return digits[0] != '0' || text == "0"
}

func cutExponent(text string) (mantissa, exponent string, found bool) {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// exponentOf reads an exponent. A larger one is cut to about a million, which is far outside the
// supported range.
func exponentOf(text string, given bool) (int, error) {
	if !given {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 21) // 21 bits: ±1,048,576, also returned on overflow
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	return int(n), err
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// plainDecimal writes 0.DIGITS × 10^point.
func plainDecimal(negative bool, digits string, point int) Number {
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	switch {
	case point <= 0:
		b.WriteString("0." + strings.Repeat("0", -point) + digits)
	case point >= len(digits):
		b.WriteString(digits + strings.Repeat("0", point-len(digits)))
	default:
		b.WriteString(digits[:point] + "." + digits[point:])
	}
	return Number(b.String())
}

// compareNumbers orders two numbers in canonical form: the one with the longer whole part is
// larger, and fractions compare as text.
func compareNumbers(a, b string) int {
	negative := strings.HasPrefix(a, "-")
	if negative != strings.HasPrefix(b, "-") {
		if negative {
			return -1
		}
		return 1
	}
	if negative {
		a, b = b[1:], a[1:]
	}
	wholeA, fractionA, _ := strings.Cut(a, ".")
	wholeB, fractionB, _ := strings.Cut(b, ".")
	return cmp.Or(
		cmp.Compare(len(wholeA), len(wholeB)),
		cmp.Compare(wholeA, wholeB),
		cmp.Compare(fractionA, fractionB),
	)
}

// Add returns the exact sum. It fails with Invalid if the sum needs more than 38 digits or is out
// of range.
func (n Number) Add(m Number) (Number, error) { return n.combine(m, (*big.Int).Add) }

// Sub returns the exact difference. It fails as Add does.
func (n Number) Sub(m Number) (Number, error) { return n.combine(m, (*big.Int).Sub) }

func (n Number) combine(m Number, op func(z, x, y *big.Int) *big.Int) (Number, error) {
	x, scaleX := n.unscaled()
	y, scaleY := m.unscaled()
	scale := max(scaleX, scaleY)
	shift(x, scale-scaleX)
	shift(y, scale-scaleY)
	return ParseNumber(op(x, x, y).String() + "e-" + strconv.Itoa(scale))
}

// unscaled returns the number without its decimal point, and the number of digits after the point.
func (n Number) unscaled() (*big.Int, int) {
	whole, fraction, _ := strings.Cut(string(n), ".")
	i, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok { // not made by ParseNumber
		i = new(big.Int)
	}
	return i, len(fraction)
}

// shift multiplies x by 10^digits.
func shift(x *big.Int, digits int) {
	x.Mul(x, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
}

// Size is one byte for each two significant digits, and one more. AWS calls this approximate. A
// minus sign adds one, as the public size calculators measured.
func (n Number) Size() int {
	digits, negative := strings.CutPrefix(string(n), "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	significant := strings.Trim(whole+fraction, "0")
	size := (len(significant)+1)/2 + 1
	if negative {
		size++
	}
	return size
}
