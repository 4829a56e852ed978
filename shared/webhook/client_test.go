package webhook_test

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hark/shared/config"
	"hark/shared/pusher"
	"hark/shared/webhook"
)

func TestPublic(t *testing.T) {
	for name, addresses := range map[string]struct {
		public bool
		all    string
	}{
		"the Internet": {true, `8.8.8.8 1.1.1.1 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1
			192.169.0.1 169.253.0.1 198.17.0.1 223.255.255.254
			2606:4700::1 2a00:1450::1 2001:4860:4860::8888 ::ffff:8.8.8.8`},
		"loopback":                      {false, `127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1`},
		"unspecified, and this network": {false, `0.0.0.0 0.1.2.3 :: ::ffff:0.0.0.0`},
		"private": {false, `10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1
			::ffff:10.0.0.1 ::ffff:192.168.1.1 fc00::1 fd00:ec2::254 fdff::1`},
		"link-local": {false, `169.254.0.1 169.254.169.254 169.254.170.2
			::ffff:169.254.169.254 fe80::1 fe80::1%eth0 febf::1`},
		"shared by carriers and clouds": {false, `100.64.0.1 100.100.100.200 100.127.255.255
			::ffff:100.64.0.1`},
		"multicast and broadcast": {false, `224.0.0.1 239.255.255.255 255.255.255.255
			ff02::1 ff0e::1`},
		"reserved": {false, `192.0.0.8 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1
			203.0.113.1 240.0.0.1 4000::1 2001:db8::1 3fff::1`},
		"IPv4 within IPv6": {false, `64:ff9b::a00:1 64:ff9b:1::a00:1 ::10.0.0.1
			2002:a00:1::1 2001:0:a00:1::1 fec0::1`},
	} {
		for a := range strings.FieldsSeq(addresses.all) {
			if got := webhook.Public(netip.MustParseAddr(a)); got != addresses.public {
				t.Errorf("%s: %s is public: %t", name, a, got)
			}
		}
	}
}

// A real server that listens on this machine gets no request, whatever name leads to it.
func TestClientRefusesWhatIsNotPublic(t *testing.T) {
	e := newEndpoint(t)
	u, err := url.Parse(e.URL)
	must(t, err)
	if _, err := net.LookupHost("localhost"); err != nil {
		t.Fatalf("this machine does not know localhost: %v", err)
	}
	for name, host := range map[string]string{
		"an address":             "127.0.0.1",
		"a name that leads here": "localhost",
		"an address in IPv6":     "[::ffff:127.0.0.1]",
		"the same, in hex":       "[::ffff:7f00:1]",
		"no address at all":      "0.0.0.0",
	} {
		t.Run(name, func(t *testing.T) {
			at := "http://" + host + ":" + u.Port()
			d := deliverer(pusher.Webhook{URL: at})
			d.Client = webhook.NewClient(false)
			err := d.Deliver(t.Context(), occupied(at))
			if err == nil || !strings.Contains(err.Error(), "not a public one") {
				t.Errorf("error %v", err)
			}
			if n := len(e.requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
	t.Run("but the local cloud may post to itself", func(t *testing.T) {
		at := "http://localhost:" + u.Port()
		must(t, deliverer(pusher.Webhook{URL: at}).Deliver(t.Context(), occupied(at)))
		if n := len(e.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("and nothing else that is not public", func(t *testing.T) {
		at := "http://169.254.169.254/latest/meta-data"
		err := deliverer(pusher.Webhook{URL: at}).Deliver(t.Context(), occupied(at))
		if err == nil || !strings.Contains(err.Error(), "not a public one") {
			t.Errorf("error %v", err)
		}
	})
}

// A slow endpoint gets no posts for a while, but each delivery is tried before it goes to the dead
// letters.
func TestSlowEndpointIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		posts, slow := 0, true
		d := deliverer(pusher.Webhook{URL: hook})
		d.Client.Transport = roundTripper(func(done <-chan struct{}) int {
			posts++
			if slow {
				<-done
			}
			return 200
		})
		deliver := func(step string, receives, want int, works bool) {
			t.Helper()
			x := occupied(hook)
			x.Receives = receives
			began := time.Now()
			if err := d.Deliver(t.Context(), x); (err == nil) != works {
				t.Errorf("%s: error %v", step, err)
			}
			if posts != want {
				t.Errorf("%s: %d posts, want %d", step, posts, want)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%s: took %s", step, took)
			}
		}
		deliver("first", 1, 1, false)
		deliver("second", 1, 2, false)
		deliver("third", 1, 3, false)
		deliver("fourth, which is not tried", 1, 3, false)
		deliver("the last time for that one", config.DeliveryReceives, 4, false)
		time.Sleep(14 * time.Second)
		deliver("a rest later, nearly", 1, 4, false)
		time.Sleep(time.Second)
		deliver("a rest later", 1, 5, false)
		deliver("and again it rests", 1, 5, false)
		time.Sleep(15 * time.Second)
		slow = false
		deliver("it is quick again", 1, 6, true)
		slow = true
		deliver("slow again, after a success", 1, 7, false)
		deliver("slow twice, which is not enough for a rest", 1, 8, false)
	})
}
