// Asks the evaluator of flagd: reads {"file": {...}, "contexts": [...]}, and writes what each context gets, by flag. See ask_flagd.py.
package main

import (
	"context"
	"encoding/json"
	"os"
	"sort"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
)

func main() {
	var asked struct {
		File     json.RawMessage  `json:"file"`
		Contexts []map[string]any `json:"contexts"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	var file struct{ Flags map[string]json.RawMessage }
	if err := json.Unmarshal(asked.File, &file); err != nil {
		panic(err)
	}
	log := logger.NewLogger(nil, false)
	flags, err := store.NewStore(log, []string{"a"})
	if err != nil {
		panic(err)
	}
	flagd := evaluator.NewJSON(log, flags)
	if err := flagd.SetState(sync.DataSync{FlagData: string(asked.File), Source: "a"}); err != nil {
		panic(err)
	}
	keys := []string{}
	for key := range file.Flags {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	said := map[string][]any{}
	for _, key := range keys {
		for _, ctx := range asked.Contexts {
			said[key] = append(said[key], ask(flagd, key, ctx))
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	if err := out.Encode(said); err != nil {
		panic(err)
	}
}

// The variant's name; null where the caller's own default counts.
func ask(flagd *evaluator.JSON, key string, ctx map[string]any) (name any) {
	defer func() {
		if recover() != nil {
			name = "PANIC"
		}
	}()
	answer := flagd.ResolveAsAnyValue(context.Background(), "", key, ctx)
	if answer.Error != nil || answer.Variant == "" {
		return nil
	}
	return answer.Variant
}
