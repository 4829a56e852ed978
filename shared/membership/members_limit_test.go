package membership_test

import (
	"slices"
	"testing"

	"hark/shared/internal/testkit"
)

// An app may lower its limit below what a channel holds. Its members stay, and come by further
// connections; nobody new does.
func TestMembersLimitThatWasLowered(t *testing.T) {
	s := newStage(t, observer, first, second)
	s.joined(observer, first)
	s.app.MaxMembers = 1
	s.consumer("join", s.enters(second, at(1))).Finish()
	if sees := s.sees(second); !slices.Equal(sees, []string{"o", "u"}) {
		t.Errorf("it sees %v, and was sent %v", sees, s.events(second))
	}
	if wrong := s.wrong(); wrong != "" {
		t.Error(wrong)
	}
}
