package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"hark/shared/pusher"
)

// webhooksValue is stored as a list of maps. Its text is JSON in soketi's form:
//
//	[{"url": "https://example.com/hook", "event_types": ["channel_occupied"],
//	  "filter": {"channel_name_starts_with": "a", "channel_name_ends_with": "z"},
//	  "headers": {"X-Name": "value"}}]
type webhooksValue struct{ at *[]pusher.Webhook }

func webhooks(at *[]pusher.Webhook) value { return webhooksValue{at} }

// webhook is one of them as JSON, and names what is stored of it.
type webhook struct {
	URL     string            `json:"url"`
	Events  []string          `json:"event_types,omitempty"`
	Filter  *filter           `json:"filter,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

type filter struct {
	Prefix string `json:"channel_name_starts_with,omitempty"`
	Suffix string `json:"channel_name_ends_with,omitempty"`
}

func (w webhooksValue) reset() { *w.at = nil }

func (w webhooksValue) allowed() string { return "a list in JSON" }

func (w webhooksValue) parse(text string) error {
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	var typed []webhook
	err := in.Decode(&typed)
	if _, more := in.Token(); err == nil && !errors.Is(more, io.EOF) {
		err = errors.New("there is something behind it")
	}
	if err != nil {
		return fmt.Errorf(`is not a list such as [{"url":"https://example.com/hook"}]: %w`, err)
	}
	all := make([]pusher.Webhook, len(typed))
	for i, h := range typed {
		if h.Filter == nil {
			h.Filter = &filter{}
		}
		all[i] = pusher.Webhook{
			URL: h.URL, Events: h.Events, Headers: h.Headers,
			Prefix: h.Filter.Prefix, Suffix: h.Filter.Suffix,
		}
	}
	return w.set(all)
}

func (w webhooksValue) text() string {
	if len(*w.at) == 0 {
		return ""
	}
	typed := make([]webhook, len(*w.at))
	for i, h := range *w.at {
		typed[i] = webhook{URL: h.URL, Events: h.Events, Headers: h.Headers}
		if h.Prefix != "" || h.Suffix != "" {
			typed[i].Filter = &filter{h.Prefix, h.Suffix}
		}
	}
	text, _ := pusher.EncodeJSON(typed) // strings can always be encoded
	return string(text)
}

func (w webhooksValue) encode() any {
	all := make([]any, len(*w.at))
	for i, h := range *w.at {
		m := map[string]any{"url": h.URL}
		if len(h.Events) > 0 {
			m["event_types"] = list(h.Events)
		}
		f := make(map[string]any)
		if h.Prefix != "" {
			f["channel_name_starts_with"] = h.Prefix
		}
		if h.Suffix != "" {
			f["channel_name_ends_with"] = h.Suffix
		}
		if len(f) > 0 {
			m["filter"] = f
		}
		if len(h.Headers) > 0 {
			headers := make(map[string]any)
			for name, text := range h.Headers {
				headers[name] = text
			}
			m["headers"] = headers
		}
		all[i] = m
	}
	return all
}

func (w webhooksValue) decode(stored any) error {
	all, ok := stored.([]any)
	if !ok {
		return wrongType(stored, "a list")
	}
	hooks := make([]pusher.Webhook, len(all))
	for i, v := range all {
		h, err := decodeWebhook(v)
		if err != nil {
			return fmt.Errorf("at %d: %w", i, err)
		}
		hooks[i] = h
	}
	return w.set(hooks)
}

func decodeWebhook(stored any) (h pusher.Webhook, err error) {
	m, ok := stored.(map[string]any)
	if !ok {
		return h, wrongType(stored, "a map")
	}
	for name, v := range m {
		switch name {
		case "url":
			h.URL, err = decodeText(v)
		case "event_types":
			h.Events, err = decodeTexts(v)
		case "filter":
			h.Prefix, h.Suffix, err = decodeFilter(v)
		case "headers":
			h.Headers, err = decodeMap(v)
		default:
			err = errors.New("is no setting of a webhook")
		}
		if err != nil {
			return h, fmt.Errorf("%s %w", name, err)
		}
	}
	return h, nil
}

func decodeFilter(stored any) (prefix, suffix string, err error) {
	f, err := decodeMap(stored)
	for name, text := range f {
		switch name {
		case "channel_name_starts_with":
			prefix = text
		case "channel_name_ends_with":
			suffix = text
		default:
			err = fmt.Errorf("has %q, which is no filter", name)
		}
	}
	return prefix, suffix, err
}

func decodeText(stored any) (string, error) {
	s, ok := stored.(string)
	if !ok {
		return "", wrongType(stored, "a text")
	}
	return s, nil
}

func decodeTexts(stored any) ([]string, error) {
	all, ok := stored.([]any)
	if !ok {
		return nil, wrongType(stored, "a list")
	}
	var texts []string
	for i, v := range all {
		s, err := decodeText(v)
		if err != nil {
			return nil, fmt.Errorf("at %d %w", i, err)
		}
		texts = append(texts, s)
	}
	return texts, nil
}

func decodeMap(stored any) (map[string]string, error) {
	m, ok := stored.(map[string]any)
	if !ok {
		return nil, wrongType(stored, "a map")
	}
	all := make(map[string]string, len(m))
	for name, v := range m {
		s, err := decodeText(v)
		if err != nil {
			return nil, fmt.Errorf("has %s, which %w", name, err)
		}
		all[name] = s
	}
	return all, nil
}

// set refuses webhooks that nothing could be posted to, and a second one with the same URL: a
// queued delivery names its webhook by URL.
func (w webhooksValue) set(hooks []pusher.Webhook) error {
	for i, h := range hooks {
		err := check(h)
		same := func(other pusher.Webhook) bool { return other.URL == h.URL }
		if err == nil && slices.ContainsFunc(hooks[:i], same) {
			err = errors.New("the URL is that of another one")
		}
		if err != nil {
			return fmt.Errorf("at %d: %w", i, err)
		}
	}
	*w.at = hooks
	return nil
}

// check refuses a webhook that nothing could be posted to.
func check(h pusher.Webhook) error {
	u, err := url.Parse(h.URL)
	http := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
	if !http || u.User != nil || u.Fragment != "" {
		// The error does not show the URL: errors are logged, and a URL may have a password.
		return errors.New("the URL must be https://host/path or http://host/path, " +
			"with a password in a header if there is one")
	}
	for _, name := range h.Events {
		if known := pusher.WebhookEvents(); !slices.Contains(known, name) {
			return fmt.Errorf("the event type %q is none of %s", name, strings.Join(known, ", "))
		}
	}
	for name, text := range h.Headers {
		bad := name == "" || strings.ContainsFunc(name, notInToken)
		if bad || strings.ContainsFunc(text, isControl) {
			return fmt.Errorf("%q is not the name and value of a header", name)
		}
	}
	return nil
}

// notInToken reports whether the name of a header cannot have the character (RFC 9110 §5.6.2).
func notInToken(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') &&
		!strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
