package sqs

import (
	"strings"
	"unicode/utf8"
)

// checkText refuses characters that XML 1.0 does not have (API Reference, SendMessage).
func checkText(s string) error {
	for i, r := range s {
		ok := r >= 0x20 && r <= 0xd7ff || r == '\t' || r == '\n' || r == '\r' ||
			r >= 0xe000 && r <= 0xfffd || r >= 0x10000
		if r == utf8.RuneError {
			_, n := utf8.DecodeRuneInString(s[i:])
			ok = n > 1
		}
		if !ok {
			return refuse(model+"InvalidMessageContents", "InvalidMessageContents",
				"Invalid characters found. Valid unicode characters are "+
					"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
		}
	}
	return nil
}

// checkToken refuses a text that cannot be a MessageGroupId, MessageDeduplicationId or
// ReceiveRequestAttemptId: 1 to 128 of A-Z a-z 0-9 and ASCII punctuation. It accepts an empty text;
// other checks decide whether the parameter may be missing.
func checkToken(parameter, s string) error {
	ok := len(s) <= 128
	for i := range len(s) {
		ok = ok && s[i] > ' ' && s[i] <= '~'
	}
	if !ok {
		return errValue(s, parameter, parameter+
			" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}

// checkRange refuses a number that is out of range. It accepts nil.
func checkRange(parameter string, v *int, low, high int, reason string) error {
	if v != nil && (*v < low || *v > high) {
		return errValue(*v, parameter, reason)
	}
	return nil
}

// firstError returns the first error that is not nil.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// binary reports whether the attribute's value is in BinaryValue.
func (a MessageAttribute) binary() bool { return a.logicalType() == "Binary" }

// logicalType is the data type without its label.
func (a MessageAttribute) logicalType() string {
	t, _, _ := strings.Cut(a.DataType, ".")
	return t
}

// checkAttributes refuses attributes that break the rules of the SQS Developer Guide, "Amazon SQS
// message attributes".
func checkAttributes(attributes map[string]MessageAttribute) error {
	if n := len(attributes); n > 10 {
		return errInvalid("Number of message attributes [%d] exceeds the allowed maximum [10].", n)
	}
	for name, a := range attributes {
		if err := firstError(checkAttributeName(name), checkAttribute(name, a)); err != nil {
			return err
		}
	}
	return nil
}

func checkAttributeName(name string) error {
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("_-.", r)
	}
	lower := strings.ToLower(name)
	switch {
	case name == "" || len(name) > 256:
		return errInvalid("Message (user) attribute names must be 1 to 256 characters long.")
	case strings.ContainsFunc(name, func(r rune) bool { return !allowed(r) }):
		return errInvalid("Message (user) attributes name %q can only contain letters, digits, "+
			"periods, hyphens and underscores.", name)
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return errInvalid("You can't use message attribute names beginning with 'AWS.' or " +
			"'Amazon.'. These strings are reserved for internal use.")
	case strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") ||
		strings.Contains(name, ".."):
		return errInvalid(
			"Message (user) attribute name %q cannot start or end with '.' or contain '..'.", name,
		)
	}
	return nil
}

func checkAttribute(name string, a MessageAttribute) error {
	kind := a.logicalType()
	switch kind {
	case "":
		return errInvalid(
			"The message attribute '%s' must contain a non-empty message attribute type.", name,
		)
	case "String", "Number", "Binary":
	default:
		return errInvalid("The type of message (user) attribute '%s' is invalid. "+
			"You must use only the following supported type prefixes: Binary, Number, "+
			"String.", name)
	}
	if len(a.DataType) > 256 {
		return errInvalid(
			"The type of message (user) attribute '%s' must be at most 256 characters long.", name,
		)
	}
	if a.binary() && len(a.BinaryValue) == 0 || !a.binary() && a.StringValue == "" {
		return errInvalid(
			"Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name,
			kind,
		)
	}
	return checkText(a.StringValue)
}
