package dynamo

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
)

// value is a place in an app's settings. Errors say what is wrong, and are put behind the setting's name.
type value interface {
	read(types.AttributeValue) error
	write() types.AttributeValue
	parse(text string) error
	text() string
}

// boolean is a BOOL; the place holds its opposite if not is true.
type boolean struct {
	at  *bool
	not bool
}

func (b boolean) read(v types.AttributeValue) error {
	f, ok := v.(*types.AttributeValueMemberBOOL)
	if !ok {
		return wrongType(v, "BOOL")
	}
	*b.at = f.Value != b.not
	return nil
}

func (b boolean) write() types.AttributeValue { return flag(*b.at != b.not) }

func (b boolean) parse(text string) error {
	if text != "true" && text != "false" {
		return fmt.Errorf("is %q, it must be true or false", text)
	}
	*b.at = (text == "true") != b.not
	return nil
}

func (b boolean) text() string { return strconv.FormatBool(*b.at != b.not) }

// number is an N that counts units.
type number[N ~int | ~int64] struct {
	at        *N
	unit      N
	low, high int64 // in units
}

// count is a number without a unit.
func count(at *int, low int64) number[int] { return number[int]{at, 1, low, anyNumber} }

func (n number[N]) read(v types.AttributeValue) error {
	i, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return wrongType(v, "N")
	}
	return n.parse(i.Value)
}

func (n number[N]) write() types.AttributeValue { return num(*n.at / n.unit) }

func (n number[N]) parse(text string) error {
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil || i < n.low || i > n.high {
		return fmt.Errorf("is %q, it must be a whole number from %d to %d", text, n.low, n.high)
	}
	*n.at = N(i) * n.unit
	return nil
}

func (n number[N]) text() string { return strconv.FormatInt(int64(*n.at/n.unit), 10) }

// hosts is an L of S: patterns of hosts, typed with commas between them.
type hosts struct{ at *[]string }

func (h hosts) read(v types.AttributeValue) error {
	list, ok := v.(*types.AttributeValueMemberL)
	if !ok {
		return wrongType(v, "L")
	}
	for i, s := range list.Value {
		if _, ok := s.(*types.AttributeValueMemberS); !ok {
			return fmt.Errorf("has %s at %d, it must be S", typeOf(s), i)
		}
	}
	return h.set(getStrs(v))
}

func (h hosts) write() types.AttributeValue { return strs(*h.at) }

func (h hosts) parse(text string) error { return h.set(strings.Split(text, ",")) }

func (h hosts) text() string { return strings.Join(*h.at, ",") }

// set refuses what would match nobody: an origin is not a host.
func (h hosts) set(patterns []string) error {
	for _, p := range patterns {
		if _, err := netip.ParseAddr(p); err != nil && (p == "" || strings.ContainsAny(p, ":/, ")) { // IPv6 has colons
			return fmt.Errorf("has %q, it must be the pattern of a host, such as example.com or *.example.com", p)
		}
	}
	*h.at = patterns
	return nil
}

// clientEvents is an S.
type clientEvents struct{ at *pusher.ClientEvents }

func (c clientEvents) read(v types.AttributeValue) error {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return wrongType(v, "S")
	}
	return c.parse(s.Value)
}

func (c clientEvents) write() types.AttributeValue { return str(string(*c.at)) }

func (c clientEvents) parse(text string) error {
	from := pusher.ClientEvents(text)
	if !slices.Contains([]pusher.ClientEvents{pusher.ClientEventsAll, pusher.ClientEventsMembers, pusher.ClientEventsNone}, from) {
		return fmt.Errorf("is %q, it must be all, members or none", text)
	}
	*c.at = from
	return nil
}

func (c clientEvents) text() string { return string(*c.at) }

func wrongType(v types.AttributeValue, want string) error {
	return fmt.Errorf("is %s, it must be %s", typeOf(v), want)
}

// typeOf is what DynamoDB calls the type of a value.
func typeOf(v types.AttributeValue) string {
	if v == nil {
		return "absent"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "*types.AttributeValueMember")
}
