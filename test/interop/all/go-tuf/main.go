// go-tuf as a client: reads one JSON object on standard input, writes one on standard output.
//
// In: root (a path), metadata_url, targets_url, directory, targets (paths), prefix (whether hashes prefix target names).
// Out: fetched (url, status, base64 of the body), cache (file name to base64), targets (path to base64, null where absent).
package main

import (
	"encoding/json"
	"errors"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/fetcher"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

type fetched struct {
	URL    string `json:"url"`
	Status int    `json:"status"`
	Body   []byte `json:"body"`
}

type recorder struct {
	inner fetcher.Fetcher
	all   []fetched
}

func (r *recorder) DownloadFile(url string, maxLength int64, timeout time.Duration) ([]byte, error) {
	body, err := r.inner.DownloadFile(url, maxLength, timeout)
	one := fetched{URL: url, Status: 200, Body: body}
	if err != nil {
		one.Status, one.Body = 0, []byte{}
		var answer *metadata.ErrDownloadHTTP
		if errors.As(err, &answer) {
			one.Status = answer.StatusCode
		}
	}
	r.all = append(r.all, one)
	return body, err
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	var asked struct {
		Root        string   `json:"root"`
		MetadataURL string   `json:"metadata_url"`
		TargetsURL  string   `json:"targets_url"`
		Directory   string   `json:"directory"`
		Targets     []string `json:"targets"`
		Prefix      bool     `json:"prefix"`
	}
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	root, err := os.ReadFile(asked.Root)
	must(err)
	cfg, err := config.New(asked.MetadataURL, root)
	must(err)
	record := &recorder{inner: cfg.Fetcher}
	cfg.Fetcher = record
	cfg.RemoteTargetsURL = asked.TargetsURL
	cfg.LocalMetadataDir = filepath.Join(asked.Directory, "metadata")
	cfg.LocalTargetsDir = filepath.Join(asked.Directory, "targets")
	cfg.PrefixTargetsWithHash = asked.Prefix
	must(os.MkdirAll(cfg.LocalTargetsDir, 0o755))
	must(os.MkdirAll(cfg.LocalMetadataDir, 0o755))
	client, err := updater.New(cfg)
	must(err)
	must(client.Refresh())

	targets := map[string][]byte{}
	for _, path := range asked.Targets {
		info, err := client.GetTargetInfo(path)
		if err != nil {
			targets[path] = nil
			continue
		}
		_, data, err := client.DownloadTarget(info, "", "")
		must(err)
		targets[path] = data
	}
	cache := map[string][]byte{}
	entries, err := os.ReadDir(cfg.LocalMetadataDir)
	must(err)
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(cfg.LocalMetadataDir, entry.Name()))
		must(err)
		cache[entry.Name()] = data
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"fetched": record.all, "cache": cache, "targets": targets}))
}
