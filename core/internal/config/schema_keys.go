package config

// schemaKey describes a key for editors.
type schemaKey struct {
	doc      string
	required bool
	enum     []string // all possible values
}

// schemaKeys are the keys of the file by their path; * stands for a name or number.
var schemaKeys = map[string]schemaKey{
	"listen":                          {doc: "Address that receives the vendors' webhooks."},
	"public_url":                      {doc: "Address of listen as vendors and browsers see it."},
	"trusted_proxies":                 {doc: "Networks of the proxies in front of listen."},
	"admin.listen":                    {doc: "Address for operators and monitoring; a loopback address."},
	"store.dir":                       {doc: "Folder of the log."},
	"store.cap":                       {doc: "Size limit of the log, such as 8GiB."},
	"adapters":                        {doc: "Plugin programs by name.", required: true},
	"adapters.*.command":              {doc: "The plugin program.", required: true},
	"adapters.*.args":                 {doc: "Arguments of the program."},
	"adapters.*.env":                  {doc: "NAME=value entries of its environment."},
	"channels":                        {doc: "Accounts at vendors by name.", required: true},
	"channels.*.adapter":              {doc: "Name of one of the adapters.", required: true},
	"channels.*.role":                 {doc: "Kind of party that the channel connects to.", required: true, enum: channelRoles},
	"channels.*.owner":                {doc: "Role customer only: the channel that answers first and is home."},
	"channels.*.path":                 {doc: "Prefix of the webhook paths, such as /shop-a."},
	"channels.*.allow":                {doc: "Non-public networks where the channel may call its vendor."},
	"channels.*.allow_links":          {doc: "Non-public networks that links in messages may resolve to."},
	"channels.*.settings":             {doc: "Settings of the adapter."},
	"channels.*.delivery.timeout":     {doc: "Time limit of one call."},
	"channels.*.delivery.give_up":     {doc: "Age at which a delivery becomes a dead letter."},
	"channels.*.delivery.max_pause":   {doc: "Maximum of a pause that the vendor asks for."},
	"channels.*.delivery.concurrency": {doc: "Concurrent calls."},
	"channels.*.delivery.rate":        {doc: "Maximum number of calls per second."},
	"channels.*.delivery.unknown":     {doc: "Calls with an unknown outcome.", enum: unknownPolicies},
	"conversations.owner":             {doc: "The owner for customer channels that have none."},
	"conversations.history":           {doc: "Messages that a new owner gets."},
	"conversations.close_after":       {doc: "Time without messages after which a conversation ends."},
	"conversations.bounces":           {doc: "Moves by rules in an hour after which rules no longer move control."},
	"limits.opened_per_minute":        {doc: "Conversations that a channel's customers may open per minute."},
	"limits.queue_age":                {doc: "Bound of the time that messages wait for a free call. Webhooks get 429 from half of it."},
	"media.max_size":                  {doc: "Size limit of one medium."},
	"media.total_size":                {doc: "Size limit of all stored media."},
	"media.keep":                      {doc: "How long a medium is kept."},
	"log.level":                       {doc: "Level of the log output.", enum: logLevels},
	"log.format":                      {doc: "Format of the log output.", enum: logFormats},
	"routes":                          {doc: "Rules, in order. The first one that matches ends the evaluation."},
	"routes.*.name":                   {doc: "Unique name of the rule.", required: true},
	"routes.*.event":                  {doc: "Events that the rule is for; default message."},
	"routes.*.from":                   {doc: "Channels or roles that the event is about."},
	"routes.*.when":                   {doc: "Condition (CEL)."},
	"routes.*.set":                    {doc: "Attributes of the conversation to set."},
	"routes.*.home":                   {doc: "Channel: the new home of the conversation."},
	"routes.*.pass":                   {doc: "Channel or home: moves control immediately."},
	"routes.*.offer":                  {doc: "Channels that get control when one of them accepts."},
	"routes.*.offer.to":               {doc: "Channels, asked in order.", required: true},
	"routes.*.offer.within":           {doc: "Time for each channel; default 60s."},
	"routes.*.offer.else":             {doc: "Channel or home: gets control if no channel accepts."},
	"routes.*.offer.hold":             {doc: "Holds the customer's messages until the offer ends; default true."},
	"routes.*.close":                  {doc: "Ends the conversation."},
	"routes.*.drop":                   {doc: "Stops the message."},
	"routes.*.continue":               {doc: "Continues with the next rule."},
	"routes.*.copy":                   {doc: "Observer channels that get a copy."},
	"routes.*.say":                    {doc: "Notice to the customer."},
	"routes.*.to": {doc: "Sends the message to the owner or to the customer.",
		enum: []string{"owner", "customer"}},
}

var (
	channelRoles    = []string{"customer", "bot", "agent", "observer"}
	unknownPolicies = []string{string(UnknownAuto), string(UnknownRetry), string(UnknownDead)}
	logLevels       = []string{"debug", "info", "warn", "error"}
	logFormats      = []string{"auto", "text", "json"}
)
