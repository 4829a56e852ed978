package sqs_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"
)

// conformance is one rule of SQS.
type conformance struct {
	name string
	run  func(*rig)
	// differs says why ElasticMQ is known to break the rule, and where AWS states it. The case runs
	// there all the same, and fails if ElasticMQ has come to agree.
	differs string
}

func cases() []conformance {
	return slices.Concat(sendCases(), batchCases(), receiveCases(), deleteCases(), visibilityCases(),
		fifoCases(), dedupCases(), redriveCases(), queueCases(), protocolCases())
}

// TestOurs holds this package to the suite.
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

// TestElasticMQ holds the suite to ElasticMQ, an independent reading of the same documents.
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
