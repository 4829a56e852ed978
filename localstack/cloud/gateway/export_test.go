package gateway

// ParseSelection returns what finds a message's route key by the expression.
func ParseSelection(expr string) (key func(message []byte) (string, bool), err error) {
	s, err := parseSelection(expr)
	return s.key, err
}
