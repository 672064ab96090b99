"""The mapping report: figures that may be published, drawn and put into words, as HTML, PDF, SVG and PNG."""
