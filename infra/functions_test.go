package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/config"
)

// ids are the logical ids of the form's functions by folder name.
func (f form) ids() map[string]string {
	ids := map[string]string{}
	for _, name := range f.functions {
		ids[name] = strings.ToUpper(name[:1]) + name[1:]
	}
	if _, ok := ids["publish"]; ok {
		ids["publish"] = "Publisher" // Publish is a queue
	}
	return ids
}

func TestFunctionsRunLogAndReadWhatTheyNeed(t *testing.T) { inEachForm(t, testFunctions) }

func testFunctions(t *testing.T, f form, tmpl template) {
	if got := tmpl.ofType("AWS::Lambda::Function"); len(got) != len(f.functions) {
		t.Errorf("functions: %v", got)
	}
	environment := f.environment()
	for name, id := range f.ids() {
		t.Run(name, func(t *testing.T) {
			for property, want := range map[string]any{
				"FunctionName":  "Hark-" + name,
				"Runtime":       "provided.al2023",
				"Handler":       "bootstrap",
				"Architectures": []any{"arm64"},
				"Timeout":       config.FunctionTimeout.Seconds(),
				"LoggingConfig": map[string]any{
					"LogFormat": "JSON", "LogGroup": ref(id + "Logs"),
					"SystemLogLevel": "WARN", "ApplicationLogLevel": "INFO",
				},
				"ReservedConcurrentExecutions": nil, // fails the deployment on a new account
			} {
				if diff := cmp.Diff(want, tmpl.at(id, property)); diff != "" {
					t.Errorf("%s: %s", property, diff)
				}
			}
			if got := tmpl.Resources[id].Metadata["hark:source"]; got != "functions/"+name {
				t.Errorf("hark:source is %v", got)
			}
			variables := tmpl.at(id, "Environment", "Variables").(map[string]any)
			want := slices.Sorted(slices.Values(environment[name]))
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(variables))); diff != "" {
				t.Errorf("environment: %s", diff)
			}
			if days := tmpl.at(id+"Logs", "RetentionInDays"); days != 7.0 {
				t.Errorf("logs are kept %v days", days)
			}
		})
	}
}

// environment lists the variables of each function.
func (f form) environment() map[string][]string {
	env := map[string][]string{
		"connect": {
			config.CallbackURL, config.AppsTable, config.OriginSecret, config.StateTable,
		},
		"disconnect": {config.AppsTable, config.BroadcastsQueue, config.StateTable},
		"webhook": {
			config.AppsTable, config.StateTable, config.ChecksQueue, config.DeliveriesQueue,
			config.Bus,
		},
		"publish": {config.AppsTable, config.BroadcastsQueue, config.RefusedQueue},
	}
	for _, name := range []string{"message", "subscribe", "auth", "api", "broadcast", "sweep"} {
		env[name] = []string{
			config.CallbackURL, config.AppsTable, config.BroadcastsQueue, config.StateTable,
		}
	}
	if f.name == "webhooks" {
		for _, name := range []string{"message", "disconnect", "broadcast", "sweep"} {
			env[name] = append(env[name], config.ChecksQueue)
		}
		for _, name := range []string{"message", "broadcast"} {
			env[name] = append(env[name], config.DeliveriesQueue)
		}
	}
	return env
}
