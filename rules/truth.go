package rules

// truth is a value of Kleene's three-valued logic. The order of the values makes && the
// minimum, || the maximum and ! the negation.
type truth int8

const (
	no      truth = -1
	unknown truth = 0
	yes     truth = 1
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) String() string {
	switch t {
	case no:
		return "false"
	case yes:
		return "true"
	default:
		return "unknown"
	}
}
