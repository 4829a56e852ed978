package dynamo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
)

// webhooks is an L of M, typed as JSON in soketi's form:
//
//	[{"url": "https://example.com/hook", "event_types": ["channel_occupied"],
//	  "filter": {"channel_name_starts_with": "a", "channel_name_ends_with": "z"}, "headers": {"X-Name": "value"}}]
type webhooks struct{ at *[]pusher.Webhook }

// hook is one of them, as it is typed.
type hook struct {
	URL     string            `json:"url"`
	Events  []string          `json:"event_types,omitempty"`
	Filter  *filter           `json:"filter,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

type filter struct {
	Prefix string `json:"channel_name_starts_with,omitempty"`
	Suffix string `json:"channel_name_ends_with,omitempty"`
}

func (w webhooks) parse(text string) error {
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	var hooks []hook
	err := in.Decode(&hooks)
	if _, more := in.Token(); err == nil && !errors.Is(more, io.EOF) {
		err = errors.New("there is something behind it")
	}
	if err != nil {
		return fmt.Errorf(`is not a list such as [{"url":"https://example.com/hook"}]: %w`, err)
	}
	all := make([]pusher.Webhook, len(hooks))
	for i, h := range hooks {
		if h.Filter == nil {
			h.Filter = &filter{}
		}
		all[i] = pusher.Webhook{URL: h.URL, Events: h.Events, Prefix: h.Filter.Prefix, Suffix: h.Filter.Suffix, Headers: h.Headers}
	}
	return w.set(all)
}

func (w webhooks) text() string {
	if len(*w.at) == 0 {
		return ""
	}
	hooks := make([]hook, len(*w.at))
	for i, h := range *w.at {
		hooks[i] = hook{URL: h.URL, Events: h.Events, Headers: h.Headers}
		if h.Prefix != "" || h.Suffix != "" {
			hooks[i].Filter = &filter{h.Prefix, h.Suffix}
		}
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // URLs have ampersands
	_ = enc.Encode(hooks)    // of texts, which can always be written
	return strings.TrimSuffix(text.String(), "\n")
}

func (w webhooks) write() types.AttributeValue {
	list := make([]types.AttributeValue, len(*w.at))
	for i, h := range *w.at {
		m := item{"url": str(h.URL)}
		if len(h.Events) > 0 {
			m["event_types"] = strs(h.Events)
		}
		if f := texts(map[string]string{"channel_name_starts_with": h.Prefix, "channel_name_ends_with": h.Suffix}, true); len(f) > 0 {
			m["filter"] = &types.AttributeValueMemberM{Value: f}
		}
		if len(h.Headers) > 0 {
			m["headers"] = &types.AttributeValueMemberM{Value: texts(h.Headers, false)}
		}
		list[i] = &types.AttributeValueMemberM{Value: m}
	}
	return &types.AttributeValueMemberL{Value: list}
}

// texts is a map of S, of those that are not empty if only they count.
func texts(all map[string]string, filled bool) item {
	m := make(item)
	for name, s := range all {
		if s != "" || !filled {
			m[name] = str(s)
		}
	}
	return m
}

func (w webhooks) read(v types.AttributeValue) error {
	list, ok := v.(*types.AttributeValueMemberL)
	if !ok {
		return wrongType(v, "L")
	}
	all := make([]pusher.Webhook, len(list.Value))
	for i, v := range list.Value {
		h, err := readHook(v)
		if err != nil {
			return fmt.Errorf("at %d: %w", i, err)
		}
		all[i] = h
	}
	return w.set(all)
}

func readHook(v types.AttributeValue) (h pusher.Webhook, err error) {
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return h, wrongType(v, "M")
	}
	for name, v := range m.Value {
		switch name {
		case "url":
			h.URL, err = readText(v)
		case "event_types":
			h.Events, err = readTexts(v)
		case "filter":
			var f map[string]string
			f, err = readMap(v)
			h.Prefix, h.Suffix = f["channel_name_starts_with"], f["channel_name_ends_with"]
			delete(f, "channel_name_starts_with")
			delete(f, "channel_name_ends_with")
			for other := range f {
				err = fmt.Errorf("has %q, which is no filter", other)
			}
		case "headers":
			h.Headers, err = readMap(v)
		default:
			err = errors.New("is no setting of a webhook")
		}
		if err != nil {
			return h, fmt.Errorf("%s %w", name, err)
		}
	}
	return h, nil
}

func readText(v types.AttributeValue) (string, error) {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return "", wrongType(v, "S")
	}
	return s.Value, nil
}

func readTexts(v types.AttributeValue) ([]string, error) {
	list, ok := v.(*types.AttributeValueMemberL)
	if !ok {
		return nil, wrongType(v, "L")
	}
	for i, s := range list.Value {
		if _, err := readText(s); err != nil {
			return nil, fmt.Errorf("at %d %w", i, err)
		}
	}
	return getStrs(v), nil
}

func readMap(v types.AttributeValue) (map[string]string, error) {
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return nil, wrongType(v, "M")
	}
	all := make(map[string]string, len(m.Value))
	for name, v := range m.Value {
		s, err := readText(v)
		if err != nil {
			return nil, fmt.Errorf("has %s, which %w", name, err)
		}
		all[name] = s
	}
	return all, nil
}

// set refuses what could never be told, and one URL twice: a delivery finds its webhook by it.
func (w webhooks) set(hooks []pusher.Webhook) error {
	for i, h := range hooks {
		err := checkHook(h)
		if err == nil && slices.ContainsFunc(hooks[:i], func(other pusher.Webhook) bool { return other.URL == h.URL }) {
			err = errors.New("the URL is that of another one")
		}
		if err != nil {
			return fmt.Errorf("at %d: %w", i, err)
		}
	}
	*w.at = hooks
	return nil
}

func checkHook(h pusher.Webhook) error {
	u, err := url.Parse(h.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		// not shown: this is logged, and there may be a password in it
		return errors.New("the URL must be https://host/path or http://host/path, with a password in a header if there is one")
	}
	known := []string{
		pusher.WebhookChannelOccupied, pusher.WebhookChannelVacated, pusher.WebhookMemberAdded, pusher.WebhookMemberRemoved,
		pusher.WebhookClientEvent, pusher.WebhookCacheMiss, pusher.WebhookSubscriptionCount,
	}
	for _, name := range h.Events {
		if !slices.Contains(known, name) {
			return fmt.Errorf("the event type %q is none of %s", name, strings.Join(known, ", "))
		}
	}
	for name, value := range h.Headers {
		if name == "" || strings.ContainsFunc(name, notOfToken) || strings.ContainsFunc(value, control) {
			return fmt.Errorf("%q is not the name and value of a header", name)
		}
	}
	return nil
}

// notOfToken reports what the name of a header may not have (RFC 9110 §5.6.2).
func notOfToken(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
