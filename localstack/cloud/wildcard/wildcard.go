// Package wildcard decides whether a text matches a pattern with * and ?, as IAM policies and
// CloudFront's path patterns have them. Match is all there is.
package wildcard

// Match reports whether s matches the pattern, in which * is any text and ? is one character (a
// byte).
func Match(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == s[j]):
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}
