package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"strings"
)

// receiptPrefix begins AWS's handles too.
const receiptPrefix = "AQEB"

// A receipt handle names the queue (a hash of its ARN), the message, and which of its receives this was.
const receiptLen = 4 + len(messageID{}) + 4

func (q *queue) receipt(m *message) string {
	b := make([]byte, 0, receiptLen)
	b = binary.BigEndian.AppendUint32(b, q.mark())
	b = append(b, m.id[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(m.tries))
	return receiptPrefix + base64.StdEncoding.EncodeToString(b)
}

func (q *queue) mark() uint32 {
	h := fnv.New32a()
	h.Write([]byte(q.arn))
	return h.Sum32()
}

// parseReceipt returns the message and the number of the receive that the handle stands for; ok is false if this queue
// never gave out such a handle.
func (q *queue) parseReceipt(handle string) (id messageID, try int, ok bool) {
	code, ok := strings.CutPrefix(handle, receiptPrefix)
	if !ok {
		return id, 0, false
	}
	b, err := base64.StdEncoding.DecodeString(code)
	if err != nil || len(b) != receiptLen || binary.BigEndian.Uint32(b) != q.mark() {
		return id, 0, false
	}
	copy(id[:], b[4:])
	return id, int(binary.BigEndian.Uint32(b[4+len(id):])), true
}
