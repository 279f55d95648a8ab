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
etcd://{{ join "," $members }}/{{ default (printf "%s/%s" .Release.Namespace (include "alluvium.fullname" .)) .Values.etcd.prefix }}
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
log.format=json
{{- if $external }}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
{{- end }}
{{- if .Values.rack.aware }}
replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector
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
