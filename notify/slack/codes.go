package slack

// permanent are the errors of chat.postMessage and of incoming webhooks that the same message
// meets again whenever it is sent, and what to do about them. An error that is not here is tried
// again: Slack adds new ones, and many are passing (ratelimited, internal_error, fatal_error,
// service_unavailable, request_timeout, team_added_to_org, rollup_error …).
var permanent = map[string]string{
	"channel_not_found":   "check the channel's name; of a private channel give the id, and invite the bot to it",
	"not_in_channel":      "invite the bot to the channel by /invite, or give it the scope chat:write.public",
	"is_archived":         archived,
	"channel_is_archived": archived,
	"user_not_found":      "check the channel: there is no such user",
	"user_disabled":       "check the channel: the user is gone",

	"restricted_action":                        restricted,
	"restricted_action_read_only_channel":      restricted,
	"restricted_action_thread_only_channel":    restricted,
	"restricted_action_non_threadable_channel": restricted,
	"posting_to_general_channel_denied":        restricted,
	"action_prohibited":                        restricted,
	"access_denied":                            restricted,
	"ekm_access_denied":                        restricted,
	"enterprise_is_restricted":                 restricted,
	"team_access_not_granted":                  restricted,
	"messages_tab_disabled":                    "switch the messages tab of the app on",

	"invalid_auth":              newToken,
	"not_authed":                newToken,
	"account_inactive":          newToken,
	"token_revoked":             newToken,
	"token_expired":             newToken,
	"not_allowed_token_type":    "use the bot token, which begins with xoxb-",
	"missing_scope":             "give the bot the scope and install the app again",
	"no_permission":             "invite the bot to the channel, and give it the scope chat:write",
	"two_factor_setup_required": "the bot's owner has to set up two-factor authentication",
	"app_not_installed":         newToken,

	"no_service":       newWebhook,
	"no_service_id":    newWebhook,
	"no_team":          newWebhook,
	"no_active_hooks":  newWebhook,
	"invalid_token":    newWebhook,
	"team_disabled":    newWebhook,
	"webhook_disabled": newWebhook,

	"msg_too_long":        ourFault,
	"msg_blocks_too_long": ourFault,
	"no_text":             ourFault,
	"missing_text_or_fallback_or_attachments": ourFault,
	"invalid_blocks":                    ourFault,
	"invalid_blocks_format":             ourFault,
	"invalid_block_id":                  ourFault,
	"duplicate_block_id":                ourFault,
	"invalid_attachments":               ourFault,
	"too_many_attachments":              ourFault,
	"attachment_payload_limit_exceeded": ourFault,
	"invalid_payload":                   ourFault,
	"invalid_arguments":                 ourFault,
	"invalid_arg_name":                  ourFault,
	"invalid_array_arg":                 ourFault,
	"invalid_charset":                   ourFault,
	"invalid_form_data":                 ourFault,
	"invalid_json":                      ourFault,
	"json_not_object":                   ourFault,
	"invalid_post_type":                 ourFault,
	"missing_post_type":                 ourFault,
	"missing_charset":                   ourFault,
	"superfluous_charset":               ourFault,
	"method_deprecated":                 ourFault,
	"deprecated_endpoint":               ourFault,
	"unknown_method":                    "check api_url: there is no Slack API there",
}

// passing are the errors after which the same call may work. Where a post is to be changed, any
// other is taken for a refusal.
var passing = map[string]bool{
	"ratelimited": true, "rate_limited": true, "message_limit_exceeded": true, "accesslimited": true,
	"internal_error": true, "fatal_error": true, "service_unavailable": true, "request_timeout": true,
	"team_added_to_org": true, "org_login_required": true, "rollup_error": true, "update_failed": true,
	"external_channel_migrating": true,
}

const (
	archived   = "unarchive the channel or name another"
	restricted = "the workspace does not let the bot post there: ask its admin, or name another channel"
	newToken   = "install the app again and use its new bot token"
	newWebhook = "make a new incoming webhook and use its URL"
	ourFault   = "this is a mistake in Watchdog: please report it"
)
