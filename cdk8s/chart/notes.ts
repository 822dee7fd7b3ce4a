/** What Helm prints after an install: how to look at what runs, and what to do next. */
export const NOTES = `Millrace's platform is being set up in the namespace {{ .Release.Namespace }}. Pods wait for the Secrets that the
Job millrace-bootstrap makes, so give it a minute or two:

  kubectl --namespace {{ .Release.Namespace }} get pods --watch

Next, a Pipeline. Until there is an operator it is rendered, in a checkout, and applied; values.yaml is the file of values
that Helm was given, with "namespace: {{ .Release.Namespace }}" in it:

  scripts/run millrace render pipeline.yaml --values values.yaml | kubectl apply --server-side --filename -
{{ if .Values.grafana.enabled }}
Grafana, at http://localhost:3000, as admin with the password that the second line prints:

  kubectl --namespace {{ .Release.Namespace }} port-forward service/grafana 3000
  kubectl --namespace {{ .Release.Namespace }} get secret millrace-grafana-admin --output jsonpath='{.data.password}' | base64 --decode
{{ end }}{{ if .Values.prometheus.enabled }}
Prometheus, at http://localhost:9090:

  kubectl --namespace {{ .Release.Namespace }} port-forward service/prometheus 9090
{{ end }}
An uninstall keeps the volumes, the Secrets that belong to them, and the definition of Pipelines (docs/cluster.md).
`;
