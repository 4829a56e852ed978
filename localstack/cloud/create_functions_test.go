package cloud

import (
	"strings"
	"testing"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
)

// process is a faults.Process that counts writes and cannot be killed.
type process struct{ count faults.Count }

func (p *process) Writes() *faults.Count { return &p.count }
func (p *process) Kill()                 {}

func TestEachProcessHasCredentialsOfItsOwn(t *testing.T) {
	c, err := boot(t, stackOf(t, work))
	if err != nil {
		t.Fatal(err)
	}
	first, second := new(process), new(process)
	role := &iam.Role{Name: "Shop-Role", Session: "Shop-Work"}
	env := environmentOf(c, role, first)
	if env["AWS_ENDPOINT_URL"] != "http://127.0.0.1:4566" ||
		env["AWS_SECRET_ACCESS_KEY"] == "" || env["AWS_SESSION_TOKEN"] == "" {
		t.Errorf("environment %v", env)
	}
	for p, key := range map[*process]string{
		first:  env["AWS_ACCESS_KEY_ID"],
		second: environmentOf(c, role, second)["AWS_ACCESS_KEY_ID"],
	} {
		if h := c.keys.holder(key); h == nil || h.role != role || h.process != p {
			t.Errorf("the access key %s belongs to %+v", key, h)
		}
	}
	if env["FOLDER"] != "work" {
		t.Errorf("Options.Environment is not in %v", env)
	}
	if h := c.keys.holder("AKIATEST"); h != nil {
		t.Errorf("a key that was never issued belongs to %+v", h)
	}
}

// environmentOf returns the variables of a process by name.
func environmentOf(c *Cloud, role *iam.Role, p *process) map[string]string {
	env := make(map[string]string)
	for _, entry := range c.environment(role.Session, role, p) {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}
