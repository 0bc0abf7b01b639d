{{/* Names of cluster-wide objects: two releases must not collide. */}}
{{- define "landwaiter.clusterName" -}}
{{- if eq .Release.Name .Release.Namespace }}{{ .Release.Name }}{{ else }}{{ .Release.Namespace }}-{{ .Release.Name }}{{ end }}
{{- end }}

{{- define "landwaiter.selector" -}}
app.kubernetes.io/name: landwaiter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "landwaiter.labels" -}}
{{ include "landwaiter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{/* "true" or nothing. */}}
{{- define "landwaiter.everywhere" -}}
{{- if has "*" .Values.namespaces }}true{{ end }}
{{- end }}

{{- define "landwaiter.several" -}}
{{- if gt (int .Values.replicas) 1 }}true{{ end }}
{{- end }}

{{- define "landwaiter.configMap" -}}
{{- .Values.existingConfigMap | default (printf "%s-config" .Release.Name) }}
{{- end }}

{{/* landwaiter.yaml: the user's values, and those that the chart knows. */}}
{{- define "landwaiter.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $kubernetes := dict "namespaces" .Values.namespaces }}
{{- if .Values.deletePods }}{{ $_ := set $kubernetes "delete_pods" true }}{{ end }}
{{- if include "landwaiter.several" . }}{{ $_ := set $kubernetes "replicas" (dict "lease" .Release.Name) }}{{ end }}
{{- $made := dict "platforms" (dict "kubernetes" $kubernetes) }}
{{- if not $config.listen }}{{ $_ := set $made "listen" (printf "0.0.0.0:%d" (int .Values.port)) }}{{ end }}
{{- if not $config.senders }}
{{- if not .Values.images }}{{ fail "whose images? --set 'images={ghcr.io/brian/*}' is what the sender ci may speak for; or write config.senders" }}{{ end }}
{{- $auth := dict "hmac" (dict "secret" (dict "file" "/run/secrets/landwaiter/ci")) }}
{{- $_ := set $made "senders" (list (dict "name" "ci" "format" "native" "auth" $auth "images" .Values.images)) }}
{{- end }}
{{- toYaml (mergeOverwrite $config $made) }}
{{- end }}

{{/* The agent's permissions on workloads. */}}
{{- define "landwaiter.workloadRules" -}}
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, list, watch, patch]
- apiGroups: [batch]
  resources: [cronjobs]
  verbs: [get, list, watch, patch]
{{- range $kind := include "landwaiter.resources" . | fromJsonArray }}
- apiGroups: [{{ $kind.group }}]
  resources: [{{ $kind.plural }}]
  verbs: [get, list, watch, patch]
{{- end }}
- apiGroups: [""]
  resources: [pods]
  verbs: [list{{ if .Values.deletePods }}, delete{{ end }}]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}

{{- define "landwaiter.subjects" -}}
- kind: ServiceAccount
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* Validations of an object's metadata: nothing but annotations of ours. Takes dict: free, a CEL list of others. */}}
{{- define "landwaiter.metadataRules" -}}
# The API server itself counts the generation, and keeps the list of each field's author.
- message: Landwaiter may change nothing in a workload's metadata but its own annotations
  expression: |-
    !variables.changed || (
      object.metadata.all(k, k in ['annotations', 'generation', 'managedFields'] ||
        (k in oldObject.metadata && object.metadata[k] == oldObject.metadata[k])) &&
      oldObject.metadata.all(k, k in ['annotations', 'generation', 'managedFields'] || k in object.metadata))
- message: Landwaiter may change no annotation but status.landwaiter.dev/* and kubernetes.io/change-cause
  expression: |-
    !variables.changed || (
      variables.annotations.all(k, k in {{ .free }} || k.startsWith('status.landwaiter.dev/') ||
        (k in variables.oldAnnotations && variables.annotations[k] == variables.oldAnnotations[k])) &&
      variables.oldAnnotations.all(k, k in {{ .free }} || k.startsWith('status.landwaiter.dev/') ||
        k in variables.annotations))
{{- end }}
