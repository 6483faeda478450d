// The entry of ferry.yaml that ferry types new writes beside a controller.

/// Configuration entries as templates; see ``NewType/filledYAML(_:)``.
enum EntryTemplate {
    static func template(_ way: NewTypeWay) -> String {
        switch way {
        case .single: heading + withTarget
        case .multiple: heading + withTarget
        case .bypass: heading + bypass
        }
    }

    private static let heading = """
        # «NAME»: copy this below types: in ferry.yaml; ferry types check says what else it needs.

        """

    private static let withTarget = """
        types:
          «NAME»:
            source: «SOURCE»
            target: «TARGET»
            controller: «SLUG»
            triggers:
              - {document: «SOURCE», events: [insert, update, delete]}

        """

    private static let bypass = """
        types:
          «NAME»:
            source: «SOURCE»
            controller: «SLUG»
            exclusive: true   # one run of a document at a time, in all processes
            triggers:
              - {document: «SOURCE», events: [insert, update, delete]}

        """
}
