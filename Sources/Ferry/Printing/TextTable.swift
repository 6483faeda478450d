// Aligned columns with a heading, as wide as what is in them.

/// A table of text.
struct TextTable: Sendable {
    /// How a column is aligned.
    enum Alignment: Sendable { case left, right }

    /// A column.
    struct Column: Sendable {
        let title: String
        var alignment = Alignment.left
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    /// Columns that are all aligned to the left.
    init(_ titles: String...) { self.init(titles.map { Column(title: $0) }) }

    /// Adds a row; a cell for each column, colours allowed.
    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The heading and the rows, without trailing spaces.
    func lines(style: Style = .plain) -> [String] {
        let widths = columns.indices.map { column in
            ([columns[column].title] + rows.map { column < $0.count ? $0[column] : "" }).map(TextWidth.of).max() ?? 0
        }
        return [line(columns.map { style(.heading, $0.title) }, widths)] + rows.map { line($0, widths) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = zip(cells, zip(columns, widths)).map { cell, shape in
            shape.0.alignment == .left ? TextWidth.pad(cell, to: shape.1) : TextWidth.padLeft(cell, to: shape.1)
        }
        var line = padded.joined(separator: "  ")
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}
