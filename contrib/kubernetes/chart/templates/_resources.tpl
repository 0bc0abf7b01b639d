{{/* Custom resources, from config.platforms.kubernetes.resources: a JSON list of {group, plural, paths}, one for each kind.
     A path is a list of its parts, "[]" for any place in a list; the last one says what stands there: "=image" or "=text". */}}
{{- define "landwaiter.resources" -}}
{{- $kinds := dict }}
{{- range $one := dig "platforms" "kubernetes" "resources" list .Values.config }}
{{- $plural := $one.plural | default (include "landwaiter.plural" (lower $one.kind)) }}
{{- $group := first (splitList "/" $one.apiVersion) }}
{{- $key := printf "%s.%s" $plural $group }}
{{- $paths := dig $key "paths" list $kinds }}
{{- range $member, $is := dict "image" "=image" "tag" "=text" "digest" "=text" }}
{{- with get $one $member }}
{{- $path := list }}
{{- range $part := regexFindAll "\\.[A-Za-z0-9_-]+|\\['[^']*'\\]|\\[\"[^\"]*\"\\]|\\[[*0-9]+\\]" . -1 }}
{{- if regexMatch "^\\[[*0-9]" $part }}{{ $part = "[]" }}{{ else }}{{ $part = regexReplaceAll "^\\.|^\\[.|.\\]$" $part "" }}{{ end }}
{{- $path = append $path $part }}
{{- end }}
{{- $paths = append $paths (append $path $is) }}
{{- end }}
{{- end }}
{{- $_ := set $kinds $key (dict "group" $group "plural" $plural "paths" $paths) }}
{{- end }}
{{- $sorted := list }}
{{- range $key := keys $kinds | sortAlpha }}{{ $sorted = append $sorted (get $kinds $key) }}{{ end }}
{{- toJson $sorted }}
{{- end }}

{{/* As the agent guesses the plural (docs/configuration.md). */}}
{{- define "landwaiter.plural" -}}
{{- if regexMatch "[sx]$" . }}{{ . }}es{{ else if hasSuffix "y" . }}{{ trimSuffix "y" . }}ies{{ else }}{{ . }}s{{ end }}
{{- end }}

{{/* A CEL expression: `new` equals `old` but for the texts at the paths, and these hold nothing that a chart's
     templates could take for more than a tag. In an image (with sameRepository)
     only tag and digest differ. Takes dict: new, old, paths, depth, sameRepository. */}}
{{- define "landwaiter.same" -}}
{{- $all := . }}
{{- $below := dict }}
{{- $leaf := "" }}
{{- range $path := .paths }}
{{- $head := first $path }}
{{- if hasPrefix "=" $head }}{{ $leaf = $head }}{{ else }}{{ $_ := set $below $head (append (get $below $head | default list) (rest $path)) }}{{ end }}
{{- end }}
{{- if $leaf -}}
(type({{ .new }}) == string && type({{ .old }}) == string && {{ .new }}.matches('^[A-Za-z0-9._:@{{ if eq $leaf "=image" }}/{{ end }}-]*$')
{{- if and .sameRepository (eq $leaf "=image") }} && [{{ include "landwaiter.repositories" (printf "[%s, %s]" .new .old) | replace "\n" "" }}].all(r, r[0] == r[1]){{ end }})
{{- else if hasKey $below "[]" -}}
{{- $i := printf "i%d" (int .depth) -}}
(type({{ .new }}) == list && type({{ .old }}) == list && {{ .old }}.size() <= 32 ?
{{- printf " %s.size() == %s.size() && [" .new .old }}
{{- range $n := until 32 }}{{ if $n }}, {{ end }}{{ $n }}{{ end -}}
].all({{ $i }}, {{ $i }} >= {{ .old }}.size() || {{ include "landwaiter.same" (merge (dict "new" (printf "%s[%s]" .new $i) "old" (printf "%s[%s]" .old $i) "paths" (get $below "[]") "depth" (add 1 .depth)) .) }}) : {{ .new }} == {{ .old }})
{{- else -}}
(type({{ .new }}) == map && type({{ .old }}) == map ? {{ .old }}.all(k, k in {{ .new }}) &&
{{- printf " %s.all(k, k in %s && (k in %s || %s[k] == %s[k]))" .new .old (keys $below | sortAlpha | toJson) .new .old }}
{{- range $head := keys $below | sortAlpha }}
{{- $name := printf "%q" $head }} && (!({{ $name }} in {{ $all.old }}) || {{ include "landwaiter.same" (merge (dict "new" (printf "%s[%s]" $all.new $name) "old" (printf "%s[%s]" $all.old $name) "paths" (get $below $head)) $all) }})
{{- end }} : {{ .new }} == {{ .old }})
{{- end }}
{{- end }}

{{/* A CEL expression: the images of a list without tag and digest, and without the optional parts of Docker Hub's
     names. */}}
{{- define "landwaiter.repositories" -}}
{{ . }}.map(c, c.split('@')[0])
  .map(n, n.substring(0, n.size() - n.find(':[^:/]+$').size()))
  .map(n, n.startsWith('index.docker.io/') ? n.substring(16) :
    n.startsWith('docker.io/') ? n.substring(10) : n)
  .map(n, n.startsWith('library/') ? n.substring(8) : n)
{{- end }}
