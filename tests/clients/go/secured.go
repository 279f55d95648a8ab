// Comes in at a listener with TLS, by a mechanism of SASL or by a certificate.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// credentials are what the client shows; an empty field is not used.
type credentials struct {
	authority, certificate, mechanism, user, password, token string
}

// trusted is the TLS of a client that trusts the authority, with a certificate of its own if it has one.
func (c credentials) trusted() *tls.Config {
	pem, err := os.ReadFile(c.authority)
	check(err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		fail("no certificate in " + c.authority)
	}
	config := &tls.Config{RootCAs: roots}
	if c.certificate != "" {
		own, err := tls.LoadX509KeyPair(c.certificate, c.certificate)
		check(err)
		config.Certificates = []tls.Certificate{own}
	}
	return config
}

func (c credentials) options() []kgo.Opt {
	options := []kgo.Opt{kgo.DialTLSConfig(c.trusted())}
	var mechanism sasl.Mechanism
	switch c.mechanism {
	case "":
		return options
	case "PLAIN":
		mechanism = plain.Auth{User: c.user, Pass: c.password}.AsMechanism()
	case "SCRAM-SHA-256":
		mechanism = scram.Auth{User: c.user, Pass: c.password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		mechanism = scram.Auth{User: c.user, Pass: c.password}.AsSha512Mechanism()
	case "OAUTHBEARER":
		mechanism = oauth.Auth{Token: c.token}.AsMechanism()
	default:
		fail("unknown mechanism " + c.mechanism)
	}
	return append(options, kgo.SASL(mechanism))
}

// secured writes a record, and prints what it reads where it was written.
func secured(bootstrap, topic, value string, shown credentials) {
	options := append(shown.options(), seeds(bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	writer, err := kgo.NewClient(options...)
	check(err)
	defer writer.Close()
	written, err := writer.ProduceSync(context.Background(), &kgo.Record{Topic: topic, Value: []byte(value)}).First()
	check(err)
	at := kgo.NewOffset().At(written.Offset)
	options = append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: at}}))
	reader, err := kgo.NewClient(options...)
	check(err)
	defer reader.Close()
	fetches := reader.PollFetches(context.Background())
	for _, failure := range fetches.Errors() {
		fail(failure.Err.Error())
	}
	fmt.Println(string(fetches.Records()[0].Value))
}
