package config

// choice is what is in use of the things of one kind.
type choice[T any] struct {
	used    []T
	unused  []LeftOut
	waiting []T // fallbacks, while it is not known whether they are needed
}

// leaveOut notes that a thing is not used.
func (c *choice[T]) leaveOut(kind, name, why string) {
	c.unused = append(c.unused, LeftOut{kind, name, why})
}

// add takes a thing, or holds it back where it is a fallback.
func (c *choice[T]) add(one T, fallback bool) {
	if fallback {
		c.waiting = append(c.waiting, one)
		return
	}
	c.used = append(c.used, one)
}

// settle uses the fallbacks where there is nothing else, and notes them otherwise.
func (c *choice[T]) settle(kind string, name func(T) string) ([]T, []LeftOut) {
	if len(c.used) == 0 {
		return c.waiting, c.unused
	}
	for _, one := range c.waiting {
		c.leaveOut(kind, name(one), "it is a fallback, and others are in use")
	}
	return c.used, c.unused
}
