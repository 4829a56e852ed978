package sqs

// batchResult is the answer to a batch. Each entry is in one of the two lists.
type batchResult[T any] struct {
	Successful []T            `json:",omitempty"`
	Failed     []batchFailure `json:",omitempty"`
}

type batchFailure struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

// batchDone is the result of an entry that is not a send.
type batchDone struct {
	ID string `json:"Id"`
}

func (b *batchResult[T]) fail(id string, err error) {
	e := asError(err)
	b.Failed = append(b.Failed, batchFailure{
		ID: id, Code: e.Code, Message: e.Message, SenderFault: e.Status < 500,
	})
}

// checkBatch refuses a batch that is empty, has more than 10 entries, or whose IDs are repeated or
// malformed.
func checkBatch[E any](operation string, entries []E, id func(E) string) error {
	if len(entries) == 0 {
		return refuse(model+"EmptyBatchRequest", query+"EmptyBatchRequest",
			"There should be at least one %sRequestEntry in the request.", operation)
	}
	if len(entries) > 10 {
		return refuse(model+"TooManyEntriesInBatchRequest", query+"TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !validBatchID(id(e)) {
			return refuse(model+"InvalidBatchEntryId", query+"InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and "+
					"underscores. It can be at most 80 letters long.")
		}
		if seen[id(e)] {
			return refuse(
				model+"BatchEntryIdsNotDistinct", query+"BatchEntryIdsNotDistinct",
				"Id %s repeated.", id(e),
			)
		}
		seen[id(e)] = true
	}
	return nil
}

func validBatchID(id string) bool {
	if id == "" || len(id) > 80 {
		return false
	}
	for _, c := range id {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' &&
			c != '_' {
			return false
		}
	}
	return true
}
