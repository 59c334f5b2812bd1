package config

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// entry is one key of a mapping and its value.
type entry struct {
	key, value *yaml.Node
	again      bool // the key was there before
}

// entries are the keys of a mapping, and then those that << merges into it. A key that stands
// twice is reported.
func (d *decoder) entries(n *yaml.Node, path string) []entry {
	var all []entry
	seen := map[string]*yaml.Node{}
	merged := map[*yaml.Node]bool{}
	var collect func(n *yaml.Node)
	collect = func(n *yaml.Node) {
		merged[n] = true
		var merges []*yaml.Node
		own := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := target(n.Content[i]), n.Content[i+1]
			switch {
			case key.Tag == "!!merge":
				merges = append(merges, value)
			case key.Kind != yaml.ScalarNode:
				d.doc.hide(key, true)
				d.doc.hide(value, true)
				d.fail(path, d.doc.at(n.Content[i]), "a key must be a plain word, not "+given(key), `put what begins with { or [ into quotes`)
			case own[key.Value]:
				d.twice(key, seen[key.Value], path)
				all = append(all, entry{key, value, true})
			case seen[key.Value] == nil: // a merged key gives way to one that is there
				all = append(all, entry{key, value, false})
				seen[key.Value] = key
				own[key.Value] = true
			}
		}
		for _, m := range merges {
			for _, from := range d.mergeSources(m, path) {
				if !merged[from] {
					collect(from)
				}
			}
		}
	}
	collect(n)
	return all
}

func (d *decoder) twice(key, first *yaml.Node, path string) {
	at := d.doc.offset(first.Line, first.Column)
	d.fail(path, d.doc.at(key), fmt.Sprintf("the key %q stands here twice", key.Value),
		fmt.Sprintf("remove one; the first is on line %d", d.doc.line(at)))
}

// mergeSources are the mappings that the value of << names.
func (d *decoder) mergeSources(n *yaml.Node, path string) []*yaml.Node {
	var all []*yaml.Node
	candidates := []*yaml.Node{n}
	if t := target(n); t.Kind == yaml.SequenceNode {
		candidates = t.Content
	}
	for _, c := range candidates {
		if target(c).Kind == yaml.MappingNode {
			all = append(all, target(c))
			continue
		}
		d.doc.hide(c, true)
		d.fail(path, d.doc.at(c), "<< must be a mapping or a list of mappings, not "+given(target(c)), "write <<: *anchor")
	}
	return all
}
