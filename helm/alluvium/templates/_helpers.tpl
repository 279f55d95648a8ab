{{- define "alluvium.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* 40 characters at most: names of pods and services are made of it, and a service's name has 63. */ -}}
{{- define "alluvium.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "alluvium.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "alluvium.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "alluvium.selector" -}}
app.kubernetes.io/name: {{ include "alluvium.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "alluvium.brokerSelector" -}}
{{ include "alluvium.selector" . }}
app.kubernetes.io/component: broker
{{- end -}}

{{- define "alluvium.labels" -}}
{{ include "alluvium.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "alluvium.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "alluvium.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "alluvium.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "alluvium.bootstrap" -}}
{{ include "alluvium.fullname" . }}-bootstrap.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:{{ .Values.listener.port }}
{{- end -}}

{{- define "alluvium.etcdUrl" -}}
{{- $members := .Values.etcd.endpoints -}}
{{- if .Values.devEtcd.enabled -}}
{{- $members = list (printf "%s-etcd.%s.svc.%s:2379" (include "alluvium.fullname" .) .Release.Namespace .Values.clusterDomain) -}}
{{- end -}}
{{ ternary "etcds" "etcd" (ne .Values.etcd.tls.existingSecret "") }}://{{ join "," $members }}/{{ default (printf "%s/%s" .Release.Namespace (include "alluvium.fullname" .)) .Values.etcd.prefix }}
{{- end -}}

{{- define "alluvium.storeUrl" -}}
{{- if .Values.devMinio.enabled -}}
s3://{{ .Values.devMinio.bucket }}/{{ include "alluvium.fullname" . }}
{{- else -}}
{{ .Values.objectStore.url }}
{{- end -}}
{{- end -}}

{{- define "alluvium.storeEndpoint" -}}
{{- if .Values.devMinio.enabled -}}
http://{{ include "alluvium.fullname" . }}-minio.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:9000
{{- else -}}
{{ .Values.objectStore.endpoint }}
{{- end -}}
{{- end -}}

{{- define "alluvium.rackFrom" -}}
{{- if ne .Values.rack.from "auto" -}}
{{ .Values.rack.from }}
{{- else if semverCompare ">=1.35.0-0" .Capabilities.KubeVersion.Version -}}
podLabel
{{- else -}}
none
{{- end -}}
{{- end -}}

{{- define "alluvium.externalProtocol" -}}
{{- default .Values.listener.protocol .Values.externalAccess.protocol -}}
{{- end -}}

{{- /* Protocols of all listeners, to ask what they need. */ -}}
{{- define "alluvium.protocols" -}}
{{ .Values.listener.protocol }} {{ if .Values.externalAccess.enabled }}{{ include "alluvium.externalProtocol" . }}{{ end }}
{{- end -}}

{{- /* Name of the listener inside the cluster. */ -}}
{{- define "alluvium.listenerName" -}}
{{- ternary "PLAINTEXT" "INTERNAL" (eq .Values.listener.protocol "PLAINTEXT") -}}
{{- end -}}

{{- define "alluvium.tlsSecret" -}}
{{- if contains "SSL" (include "alluvium.protocols" .) -}}
{{- ternary (printf "%s-tls" (include "alluvium.fullname" .)) .Values.tls.existingSecret .Values.tls.certManager.enabled -}}
{{- end -}}
{{- end -}}

{{- /* What is mounted of secrets: {name: {secret, keys}} below /etc/alluvium-secrets. */ -}}
{{- define "alluvium.secrets" -}}
{{- $secrets := dict -}}
{{- with include "alluvium.tlsSecret" . -}}
{{- $_ := set $secrets "tls" (dict "secret" . "keys" (list "tls.crt" "tls.key" "ca.crt")) -}}
{{- end -}}
{{- if contains "SASL" .Values.listener.protocol -}}
{{- $_ := set $secrets "broker" (dict "secret" .Values.sasl.broker.existingSecret "keys" (list .Values.sasl.broker.passwordKey)) -}}
{{- end -}}
{{- if .Values.etcd.tls.existingSecret -}}
{{- $_ := set $secrets "etcd-tls" (dict "secret" .Values.etcd.tls.existingSecret "keys" (ternary (list "ca.crt" "tls.crt" "tls.key") (list "ca.crt") .Values.etcd.tls.clientCertificate)) -}}
{{- end -}}
{{- with .Values.etcd.authSecret -}}
{{- $_ := set $secrets "etcd-auth" (dict "secret" . "keys" (list "username" "password")) -}}
{{- end -}}
{{- with .Values.objectStore.caSecret -}}
{{- $_ := set $secrets "object-store" (dict "secret" . "keys" (list "ca.crt")) -}}
{{- end -}}
{{- toYaml $secrets -}}
{{- end -}}

{{- define "alluvium.mountsOf" -}}
{{- range $name, $_ := . }}
- {name: secret-{{ $name }}, mountPath: /etc/alluvium-secrets/{{ $name }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "alluvium.volumesOf" -}}
{{- range $name, $of := . }}
- name: secret-{{ $name }}
  secret:
    secretName: {{ $of.secret }}
    defaultMode: 288
    items:
      {{- range $of.keys }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}
{{- end -}}

{{- /* How brokers, and the Job, log in at the listener inside the cluster. */ -}}
{{- define "alluvium.login" -}}
org.apache.kafka.common.security.scram.ScramLoginModule required username="{{ .Values.sasl.broker.username }}" password="${secrets:/etc/alluvium-secrets/broker:{{ .Values.sasl.broker.passwordKey }}}";
{{- end -}}

{{- define "alluvium.providers" -}}
config.providers=secrets
config.providers.secrets.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
config.providers.secrets.param.allowed.paths=/etc/alluvium-secrets
{{- end -}}

{{- define "alluvium.superUsers" -}}
{{- $users := .Values.authorization.superUsers -}}
{{- if contains "SASL" .Values.listener.protocol -}}
{{- $users = prepend $users (printf "User:%s" .Values.sasl.broker.username) -}}
{{- else if and (eq .Values.listener.protocol "SSL") .Values.tls.certManager.enabled -}}
{{- $users = prepend $users (printf "User:CN=%s" (include "alluvium.fullname" .)) -}}
{{- end -}}
{{- join ";" $users -}}
{{- end -}}

{{- /* What the chart's own clients come in by: Kafka's tools read the same. */ -}}
{{- define "alluvium.clientProperties" -}}
security.protocol={{ .Values.listener.protocol }}
{{- if contains "SSL" .Values.listener.protocol }}
ssl.truststore.type=PEM
ssl.truststore.location=/etc/alluvium-secrets/tls/ca.crt
{{- if ne .Values.tls.clientAuth "none" }}
ssl.keystore.type=PEM
ssl.keystore.location=/etc/alluvium-secrets/tls
{{- end }}
{{- end }}
{{- if contains "SASL" .Values.listener.protocol }}
{{ include "alluvium.providers" . }}
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config={{ include "alluvium.login" . }}
{{- end }}
{{- end -}}

{{- /* What those clients need of secrets, and the file itself. */ -}}
{{- define "alluvium.clientSecrets" -}}
{{- pick (include "alluvium.secrets" . | fromYaml) "tls" "broker" | toYaml -}}
{{- end -}}

{{- define "alluvium.clientMounts" -}}
{{- if ne .Values.listener.protocol "PLAINTEXT" -}}
- {name: settings, mountPath: /etc/alluvium, readOnly: true}
{{- include "alluvium.mountsOf" (include "alluvium.clientSecrets" . | fromYaml) }}
{{- end -}}
{{- end -}}

{{- define "alluvium.clientVolumes" -}}
{{- if ne .Values.listener.protocol "PLAINTEXT" -}}
- name: settings
  configMap: {name: {{ include "alluvium.fullname" . }}}
{{- include "alluvium.volumesOf" (include "alluvium.clientSecrets" . | fromYaml) }}
{{- end -}}
{{- end -}}

{{- define "alluvium.clientFlags" -}}
- --bootstrap-server={{ include "alluvium.bootstrap" . }}
{{- if ne .Values.listener.protocol "PLAINTEXT" }}
- --command-config=/etc/alluvium/client.properties
{{- end }}
{{- end -}}

{{- /* Brokers that there can be: external access has a service for each. */ -}}
{{- define "alluvium.maxBrokers" -}}
{{- ternary .Values.replicas .Values.autoscaling.maxReplicas (eq .Values.autoscaling.mode "off") -}}
{{- end -}}

{{- /* Seconds until a broker is killed. */ -}}
{{- define "alluvium.graceSeconds" -}}
{{- add .Values.drain.preStopSeconds .Values.drain.handoverSeconds .Values.drain.flushSeconds -}}
{{- end -}}

{{- /* Bytes of a quantity like 16Gi. */ -}}
{{- define "alluvium.bytes" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "" 1 -}}
{{- $unit := regexFind "[A-Za-z]*$" . -}}
{{- mul (regexFind "^[0-9]+" . | int64) (get $units $unit | int64) -}}
{{- end -}}

{{- /* A number of a values file is a float: 1e+06 would be no number to the broker. */ -}}
{{- define "alluvium.scalar" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}{{ . | int64 }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{- /* The broker's settings file: what the chart sets, then config. */ -}}
{{- define "alluvium.properties" -}}
{{- $external := .Values.externalAccess.enabled -}}
{{- $protocols := include "alluvium.protocols" . -}}
{{- $inside := include "alluvium.listenerName" . -}}
log.format=json
{{- if or $external (ne $inside "PLAINTEXT") }}
listener.security.protocol.map={{ $inside }}:{{ .Values.listener.protocol }}{{ if $external }},EXTERNAL:{{ include "alluvium.externalProtocol" . }}{{ end }}
inter.broker.listener.name={{ $inside }}
{{- end }}
{{- if or (contains "SASL" .Values.listener.protocol) .Values.etcd.authSecret }}
{{ include "alluvium.providers" . }}
{{- end }}
{{- if contains "SSL" $protocols }}
ssl.keystore.location=/etc/alluvium-secrets/tls
ssl.truststore.location=/etc/alluvium-secrets/tls/ca.crt
ssl.client.auth={{ .Values.tls.clientAuth }}
{{- end }}
{{- if contains "SASL" $protocols }}
sasl.enabled.mechanisms={{ join "," .Values.sasl.mechanisms }}
{{- if contains "SASL" .Values.listener.protocol }}
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.internal.scram-sha-512.sasl.jaas.config={{ include "alluvium.login" . }}
{{- end }}
{{- end }}
{{- if .Values.authorization.enabled }}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users={{ include "alluvium.superUsers" . }}
allow.everyone.if.no.acl.found={{ .Values.authorization.allowEveryoneIfNoAclFound }}
{{- end }}
{{- if .Values.etcd.tls.existingSecret }}
etcd.ssl.ca.location=/etc/alluvium-secrets/etcd-tls/ca.crt
{{- if .Values.etcd.tls.clientCertificate }}
etcd.ssl.certificate.location=/etc/alluvium-secrets/etcd-tls/tls.crt
etcd.ssl.key.location=/etc/alluvium-secrets/etcd-tls/tls.key
{{- end }}
{{- end }}
{{- if .Values.etcd.authSecret }}
etcd.username=${secrets:/etc/alluvium-secrets/etcd-auth:username}
etcd.password=${secrets:/etc/alluvium-secrets/etcd-auth:password}
{{- end }}
{{- if .Values.objectStore.caSecret }}
object.store.ssl.ca.location=/etc/alluvium-secrets/object-store/ca.crt
{{- end }}
{{- if .Values.rack.aware }}
replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector
{{- end }}
{{- if eq .Values.wal.type "ephemeral" }}
wal.ephemeral=true
{{- end }}
drain.timeout={{ .Values.drain.handoverSeconds }}s
{{- with .Values.clusterId }}
cluster.id={{ . }}
{{- end }}
{{- range $key, $value := .Values.config }}
{{ $key }}={{ include "alluvium.scalar" $value }}
{{- end }}
{{- end -}}

{{- /* Environment that a broker needs to reach its stores. */ -}}
{{- define "alluvium.storeEnvironment" -}}
{{- with .Values.objectStore.region }}
- name: AWS_REGION
  value: {{ . | quote }}
{{- end }}
{{- if .Values.devMinio.enabled }}
{{- if not .Values.objectStore.region }}
- name: AWS_REGION
  value: us-east-1
{{- end }}
- name: AWS_ALLOW_HTTP
  value: "true"
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ include "alluvium.fullname" . }}-minio, key: user}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ include "alluvium.fullname" . }}-minio, key: password}}
{{- else }}
{{- if .Values.objectStore.allowHttp }}
- name: AWS_ALLOW_HTTP
  value: "true"
{{- end }}
{{- with .Values.objectStore.existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $.Values.objectStore.accessKeyIdKey }}}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $.Values.objectStore.secretAccessKeyKey }}}}
{{- end }}
{{- end }}
{{- with .Values.pod.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Flags that say where the stores are: of serve, and of doctor in the chart's test. */ -}}
{{- define "alluvium.storeFlags" -}}
- --metadata={{ include "alluvium.etcdUrl" . }}
- --object-store={{ include "alluvium.storeUrl" . }}
{{- with include "alluvium.storeEndpoint" . }}
- --object-store-endpoint={{ . }}
{{- end }}
{{- end -}}

{{- define "alluvium.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "alluvium.containerSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
{{- end -}}
