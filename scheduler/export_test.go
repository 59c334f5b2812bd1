package scheduler

// FollowFrom makes the client follow databases of more than so many rows.
func (c *Client) FollowFrom(rows int) { c.cheapRows = rows }

// MaxAsks is how many documents of one database a look asks for one by one.
const MaxAsks = maxAsks
