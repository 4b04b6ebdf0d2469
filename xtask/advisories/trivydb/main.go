// Trivydb writes what it reads as the database of trivy: one bbolt file.
//
// Each line of its input is a JSON object: the path of buckets, a key, and the value.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

// perTransaction is how many values are written before they are committed.
const perTransaction = 20_000

type entry struct {
	Buckets []string        `json:"buckets"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
}

func main() {
	if err := run(os.Args[1], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, input io.Reader) error {
	db, err := bolt.Open(path, 0o644, nil)
	if err != nil {
		return fmt.Errorf("cannot open %s: %w", path, err)
	}
	decoder := json.NewDecoder(bufio.NewReader(input))
	for more := true; more; {
		if err := db.Update(func(tx *bolt.Tx) error {
			more, err = fill(tx, decoder)
			return err
		}); err != nil {
			return err
		}
	}
	return db.Close()
}

// fill says whether there may be more.
func fill(tx *bolt.Tx, decoder *json.Decoder) (bool, error) {
	for range perTransaction {
		var next entry
		if err := decoder.Decode(&next); err == io.EOF {
			return false, nil
		} else if err != nil {
			return false, fmt.Errorf("cannot read an entry: %w", err)
		}
		if err := put(tx, next); err != nil {
			return false, fmt.Errorf("cannot write %q: %w", next.Key, err)
		}
	}
	return true, nil
}

func put(tx *bolt.Tx, next entry) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(next.Buckets[0]))
	for _, name := range next.Buckets[1:] {
		if err == nil {
			bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
		}
	}
	if err != nil {
		return err
	}
	return bucket.Put([]byte(next.Key), next.Value)
}
