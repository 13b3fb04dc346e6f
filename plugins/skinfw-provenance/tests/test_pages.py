"""Pages, read place by place."""

from skinfw_provenance.pages import page_differences, read_page

HEAD = '<h2 id="numbers">All numbers</h2><table><caption>Numbers</caption>'
PAGE = (
    '<nav><a href="#numbers">All numbers</a><a href="#other">Other</a></nav>' + HEAD
    + "<thead><tr><th>number</th><th>value</th></tr></thead>"
    '<tbody><tr><th scope="row">accuracy</th><td>0.830</td></tr></tbody></table>'
    '<img src="data:image/jpeg;base64,AAAA" alt="Image 7">'
    '<h2 id="other">Other</h2><p>5 of them</p>'
)  # fmt: skip


def differences(old: str, new: str, strict: bool = True) -> list[str]:
    return list(page_differences(read_page(old), read_page(new), "predictions give", strict))


def test_a_cell_is_named_by_section_table_row_and_column() -> None:
    assert differences(PAGE.replace("0.830", "0.910"), PAGE) == [
        'section "numbers", table "Numbers", row "accuracy", column "value", td says "0.910", '
        'predictions give "0.830"'
    ]


def test_images_do_not_count_and_what_is_said_of_them_does() -> None:
    assert not differences(PAGE.replace("AAAA", "BBBB"), PAGE)
    assert len(differences(PAGE.replace("Image 7", "Image 8"), PAGE)) == 1


def test_what_was_written_into_a_page_is_told() -> None:
    (line,) = differences(PAGE + "<script>alert()</script>", PAGE)[:1]
    assert "<script>" in line
    (line,) = differences(PAGE + "<p>Tested on patients.</p>", PAGE)
    assert "Tested on patients" in line


def test_another_version_may_use_other_words_and_no_other_numbers() -> None:
    assert not differences(PAGE.replace("of them", "of all"), PAGE, strict=False)
    assert differences(PAGE.replace("5 of", "6 of"), PAGE, strict=False)


def test_a_section_can_be_left_out_with_what_leads_to_it() -> None:
    page = read_page(PAGE).without({"other"})
    assert page.sections == {"numbers"}
    assert not any("Other" in text or "5 of them" in text for text in page.texts.values())
