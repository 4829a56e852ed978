package settings_test

import (
	"fmt"

	"hark/shared/settings"
)

// A setting has a default, a text that operators type, and a stored form.
func Example() {
	s := settings.Default()
	fmt.Println(s.MaxMembers, s.ActivityTimeout)

	err := settings.Set(&s,
		settings.Setting{Name: "activity_timeout", Value: "30"},
		settings.Setting{Name: "rate_limiting.max_attempts", Value: "5"},
	)
	fmt.Println(s.ActivityTimeout, err)
	fmt.Println(settings.Encode(s))

	err = settings.Set(&s, settings.Setting{Name: "activity_timeout", Value: "600"})
	fmt.Println(err)
	// Output:
	// 100 0s
	// 30s <nil>
	// map[activity_timeout:30 rate_limiting:map[max_attempts:5]]
	// activity_timeout is "600", it must be a whole number from 0 to 540
}
