// Command pages writes Alertmanager's web pages into a new folder, as its makers compiled them into their program:
// Debian's package is without them, because Debian cannot build them from Elm.
package main

import (
	"io/fs"
	"log"
	"net/http"
	"os"
	"path"

	"github.com/prometheus/alertmanager/asset"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: pages FOLDER")
	}
	if err := os.CopyFS(os.Args[1], pages{asset.Assets}); err != nil {
		log.Fatal(err)
	}
}

// pages is the folder of the pages as a file system that can be copied.
type pages struct{ assets http.FileSystem }

func (p pages) Open(name string) (fs.File, error) {
	return p.assets.Open(path.Join("/static", name))
}

func (p pages) ReadDir(name string) ([]fs.DirEntry, error) {
	folder, err := p.assets.Open(path.Join("/static", name))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	found, err := folder.Readdir(-1)
	entries := make([]fs.DirEntry, len(found))
	for i, each := range found {
		entries[i] = fs.FileInfoToDirEntry(each)
	}
	return entries, err
}
