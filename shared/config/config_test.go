package config_test

import (
	"strings"
	"testing"
	"time"

	"hark/shared/config"
)

// env is an environment of a process.
type env map[string]string

func (e env) get(name string) string { return e[name] }

func TestFromEnvReadsEveryVariable(t *testing.T) {
	full := env{
		config.AppsTable: "apps", config.StateTable: "state",
		config.BroadcastsQueue: "https://sqs/q.fifo",
		config.ChecksQueue:     "https://sqs/checks.fifo",
		config.DeliveriesQueue: "https://sqs/deliveries.fifo",
		config.Bus:             "bus",
		config.RefusedQueue:    "https://sqs/refused.fifo",
		config.WebhookLoopback: "true",
		config.OriginSecret:    "s3cret",
		config.CallbackURL:     "https://api/prod",
		config.ActivityTimeout: "30",
		"HOME":                 "/",
	}
	got, err := config.FromEnv(full.get,
		config.AppsTable, config.StateTable, config.OriginSecret, config.CallbackURL)
	want := config.Config{
		AppsTable: "apps", StateTable: "state",
		BroadcastsQueue: "https://sqs/q.fifo", OriginSecret: "s3cret",
		ChecksQueue: "https://sqs/checks.fifo", DeliveriesQueue: "https://sqs/deliveries.fifo",
		Bus:          "bus",
		RefusedQueue: "https://sqs/refused.fifo", WebhookLoopback: true,
		CallbackURL: "https://api/prod", ActivityTimeout: 30 * time.Second,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFromEnvWithoutOptionalVariables(t *testing.T) {
	got, err := config.FromEnv(env{config.StateTable: "state"}.get, config.StateTable)
	want := config.Config{StateTable: "state", ActivityTimeout: 120 * time.Second}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFromEnvNamesAllMissingVariables(t *testing.T) {
	_, err := config.FromEnv(env{config.StateTable: "state"}.get,
		config.AppsTable, config.StateTable, config.OriginSecret, config.CallbackURL)
	if err == nil {
		t.Fatal("no error")
	}
	for name, missing := range map[string]bool{
		config.AppsTable: true, config.OriginSecret: true, config.CallbackURL: true,
		config.StateTable: false, config.BroadcastsQueue: false,
	} {
		if strings.Contains(err.Error(), name) != missing {
			t.Errorf("%s in %q: want %t", name, err, missing)
		}
	}
}

func TestFromEnvReadsTheActivityTimeout(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1": time.Second, "120": 120 * time.Second, "540": 540 * time.Second,
		"0": 0, "-1": 0, "2m": 0, "1.5": 0, " 30": 0, "600": 0,
		"9223372036854775807": 0, "99999999999999999999": 0,
	} {
		t.Run(text, func(t *testing.T) {
			got, err := config.FromEnv(env{config.ActivityTimeout: text}.get)
			switch {
			case want > 0 && (err != nil || got.ActivityTimeout != want):
				t.Errorf("got %s, %v", got.ActivityTimeout, err)
			case want > 0:
			case err == nil || !strings.Contains(err.Error(), config.ActivityTimeout):
				t.Errorf("got %s, %v; want an error that names the variable",
					got.ActivityTimeout, err)
			}
		})
	}
}

func TestFromEnvNamesTheMissingVariableOnly(t *testing.T) {
	get := env{config.StateTable: "state"}.get
	_, err := config.FromEnv(get, config.AppsTable, config.StateTable)
	if err == nil || !strings.Contains(err.Error(), config.AppsTable) ||
		strings.Contains(err.Error(), config.StateTable) {
		t.Errorf("got %v", err)
	}
}

// A message must be received again only after its invocation has ended, and its retries must end as
// config.go says.
func TestTimesFitTogether(t *testing.T) {
	if config.QueueVisibility <= config.FunctionTimeout ||
		config.QueueRetention <= config.QueueVisibility {
		t.Error("visibility must be longer than a function runs, and retention longer than that")
	}
	if config.QueueReceives*config.QueueVisibility < config.QueueRetention {
		t.Error("retention must end a retry before the receives do")
	}
	if config.QueueReceives*config.QueueVisibility > config.QueuePatience {
		t.Error("receives must end a retry of a message that stays valid before retention does")
	}
}
