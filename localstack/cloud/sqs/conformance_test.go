package sqs_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"
)

// conformance is one rule of SQS, as a case of the suite that runs on this package and on
// ElasticMQ.
type conformance struct {
	name string
	run  func(*rig)
	// differs says how ElasticMQ breaks the rule, and where AWS states it. The case runs there all
	// the same, and fails if ElasticMQ now agrees.
	differs string
}

func cases() []conformance {
	return slices.Concat(
		sendCases(), batchCases(), receiveCases(), deleteCases(), visibilityCases(),
		fifoCases(), dedupCases(), redriveCases(), queueCases(), protocolCases(),
	)
}

// TestOurs runs the suite on this package.
func TestOurs(t *testing.T) {
	t.Parallel()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if err := attempt(t, ours(), "q-", c.run); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestElasticMQ runs the suite on ElasticMQ, which follows the same documents independently.
func TestElasticMQ(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("HARK_ELASTICMQ")
	if endpoint == "" {
		t.Skip(
			"HARK_ELASTICMQ is not set: the suite is not compared with ElasticMQ " +
				"(scripts/lib/elasticmq.sh starts one)",
		)
	}
	run := rand.Uint32() // the server may have seen this suite before
	for i, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := attempt(t, elasticMQ(endpoint), fmt.Sprintf("c%d-%d-", run, i), c.run)
			switch {
			case c.differs == "" && err != nil:
				t.Error(err)
			case c.differs != "" && err == nil:
				t.Errorf("ElasticMQ agrees by now, but is said to differ: %s", c.differs)
			case c.differs != "":
				t.Logf("differs as known (%s): %v", c.differs, err)
			}
		})
	}
}
