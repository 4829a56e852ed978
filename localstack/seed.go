package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"hark/localstack/cloud"
	"hark/localstack/cloud/template"
)

// seed is the content of the apps table at the start: items in DynamoDB's JSON.
type seed []json.RawMessage

// app is the ID and the credentials of an app, as the banner shows them.
type app struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Secret string `json:"secret"`
}

func readSeed(path string) (seed, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read seed: %w", err)
	}
	var s seed
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("read seed %s: %w", path, err)
	}
	return s, nil
}

// app returns the first app among the items: the first whose attribute pk begins with app#. It
// reads the attributes id, key and secret.
func (s seed) app() (app, error) {
	for _, raw := range s {
		var item struct {
			PK     struct{ S string } `json:"pk"`
			ID     struct{ S string } `json:"id"`
			Key    struct{ S string } `json:"key"`
			Secret struct{ S string } `json:"secret"`
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			return app{}, fmt.Errorf("read seed: %w", err)
		}
		if strings.HasPrefix(item.PK.S, "app#") {
			return app{ID: item.ID.S, Key: item.Key.S, Secret: item.Secret.S}, nil
		}
	}
	return app{}, fmt.Errorf("read seed: none of its items is an app (pk app#…)")
}

// put stores the items in the table that the stack's output AppsTable names.
func (s seed) put(c *cloud.Cloud, stack *template.Stack) error {
	table := stack.Outputs[appsTableOutput]
	if table == "" {
		return fmt.Errorf("seed: the stack has no output %s", appsTableOutput)
	}
	for i, item := range s {
		if err := c.Put(table, item); err != nil {
			return fmt.Errorf("seed: item %d: %w", i+1, err)
		}
	}
	return nil
}
