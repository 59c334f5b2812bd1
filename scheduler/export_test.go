package scheduler

// FollowFrom makes the client follow databases and jobs of more than so many rows, and ask for each
// of them rather than list them.
func (c *Client) FollowFrom(rows int) { c.cheapRows, c.jobsPerAsk = rows, 1 }

// MaxAsks is how many documents of one database a look asks for one by one.
const MaxAsks = maxAsks
