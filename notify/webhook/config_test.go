package webhook_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"watchdog/diag"
	"watchdog/notify/webhook"
	"watchdog/secret"
)

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name string
		c    webhook.Config
		want []diag.Problem
	}{
		{"the least that works", webhook.Config{URL: "https://example.com/hook"}, nil},
		{"no url", webhook.Config{}, []diag.Problem{
			{Field: "url", Message: "url is missing", Hint: "write it like https://example.com/hook"},
		}},
		{"a url without a scheme", webhook.Config{URL: "example.com/hook"}, []diag.Problem{
			{Field: "url", Message: "the URL does not begin with http:// or https://", Hint: "write it like https://example.com/hook"},
		}},
		{"a url without a host", webhook.Config{URL: "https:///hook"}, []diag.Problem{
			{Field: "url", Message: "the URL has no host", Hint: "write it like https://example.com/hook"},
		}},
		{"a url that cannot be read is not repeated", webhook.Config{URL: "https://me:s3cret%zz@example.com"}, []diag.Problem{
			{Field: "url", Message: "this is not a URL", Hint: "write it like https://example.com/hook"},
		}},
		{"a method in small letters", webhook.Config{URL: "https://a", Method: "patch"}, nil},
		{"a method that is no method", webhook.Config{URL: "https://a", Method: "PSOT"}, []diag.Problem{
			{Field: "method", Message: `"PSOT" cannot carry a message`, Hint: `did you mean "POST"?`},
		}},
		{"a method without a body", webhook.Config{URL: "https://a", Method: "DELETE"}, []diag.Problem{
			{Field: "method", Message: `"DELETE" cannot carry a message`, Hint: "use POST, PUT or PATCH"},
		}},
		{"a secret that is not base64", webhook.Config{URL: "https://a", Secret: webhook.Secrets{"whsec_s3cret!"}}, []diag.Problem{
			{Field: "secret", Message: "the secret is not base64 after whsec_", Hint: "write whsec_ and base64, or a text without whsec_"},
		}},
		{"the second secret is not base64", webhook.Config{URL: "https://a", Secret: webhook.Secrets{"fine", "whsec_"}}, []diag.Problem{
			{Field: "secret[1]", Message: "the secret is not base64 after whsec_", Hint: "write whsec_ and base64, or a text without whsec_"},
		}},
		{"three secrets", webhook.Config{URL: "https://a", Secret: webhook.Secrets{"a", "b", "c"}}, []diag.Problem{
			{Field: "secret", Message: "3 secrets are too many", Hint: "give the new one and the old one"},
		}},
		{"headers that cannot be", webhook.Config{URL: "https://a", Headers: map[string]secret.String{
			"Webhook-Id": "1", "Host": "b", "X Y": "v", "X-Good": "v", "X-Line": "a\r\nb",
		}}, []diag.Problem{
			{Field: "headers.Host", Message: "the header Host cannot be set: it follows from the url"},
			{Field: "headers.Webhook-Id", Message: "the header Webhook-Id cannot be set: Watchdog sets it"},
			{Field: "headers.X Y", Message: `"X Y" is not the name of a header`},
			{Field: "headers.X-Line", Message: "the value of the header X-Line holds a line break or a control character"},
		}},
		{"all at once", webhook.Config{Method: "GET", Body: "{{"}, []diag.Problem{
			{Field: "url", Message: "url is missing", Hint: "write it like https://example.com/hook"},
			{Field: "method", Message: `"GET" cannot carry a message`, Hint: "use POST, PUT or PATCH"},
			{Field: "body", Length: 2, Message: "unclosed action"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.c.Problems()); diff != "" {
				t.Errorf("Problems() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAConfigWithProblemsMakesNoSink(t *testing.T) {
	for _, c := range []webhook.Config{
		{}, {URL: "nowhere"}, {URL: "https://a", Secret: webhook.Secrets{"whsec_?"}}, {URL: "https://a", Body: "{{"},
	} {
		if _, err := webhook.New(c, webhook.Options{}); err == nil {
			t.Errorf("New(%v): got no error", c)
		}
	}
}

func TestEmpty(t *testing.T) {
	if !(webhook.Config{Secret: webhook.Secrets{"x"}, Method: "POST"}).Empty() {
		t.Error("Empty() without a url: got false, want true")
	}
	if (webhook.Config{URL: "https://a"}).Empty() {
		t.Error("Empty() with a url: got true, want false")
	}
}

func TestYAML(t *testing.T) {
	for _, c := range []struct {
		name string
		yaml string
		want webhook.Secrets
	}{
		{"one secret", "secret: abc", webhook.Secrets{"abc"}},
		{"one secret that looks like a number", "secret: 123", webhook.Secrets{"123"}},
		{"two secrets", "secret: [new, old]", webhook.Secrets{"new", "old"}},
		{"none", "url: https://a", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got webhook.Config
			if err := yaml.Unmarshal([]byte(c.yaml), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.Secret); diff != "" {
				t.Errorf("secret (-want +got):\n%s", diff)
			}
		})
	}
	var c webhook.Config
	if err := yaml.Unmarshal([]byte("secret: {a: b}"), &c); err == nil {
		t.Errorf("a secret that is a map: got %v and no error", c.Secret)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c := webhook.Config{
		URL: "https://me:s3cret@a/?t=s3cret", Secret: webhook.Secrets{"s3cret"},
		Headers: map[string]secret.String{"A": "s3cret"},
	}
	shown, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(shown), fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c)} {
		if contains(text, "s3cret") {
			t.Errorf("a secret is in %s", text)
		}
	}
}
