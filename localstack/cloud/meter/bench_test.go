package meter_test

import (
	"testing"

	"hark/localstack/cloud/meter"
)

func BenchmarkAdd(b *testing.B) {
	var m meter.Meter
	b.ReportAllocs()
	for b.Loop() {
		m.Add(meter.ReadUnits, meter.By{Function: "Hark-message", Operation: "PutItem"}, 0.5)
	}
}

func BenchmarkAddParallel(b *testing.B) {
	var m meter.Meter
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Add(meter.ReadUnits, meter.By{Function: "Hark-message", Operation: "PutItem"}, 0.5)
		}
	})
}
